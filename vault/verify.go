package vault

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"sourdine/vault/slots"
)

// A Report is what [Verify] found: all in plain sentences.
type Report struct {
	// Damage is what is wrong beside what Submissions tells.
	Damage []string `json:"damage"`
	// Submissions are those that suffer, by id.
	Submissions []Affected `json:"submissions"`
	Fine        Fine       `json:"fine"`
	// Unchecked is what could not be checked, and is no damage.
	Unchecked []string `json:"unchecked"`
	// Mended is what was damaged and is not any more.
	Mended []string `json:"mended"`

	// Files are the digests that [Vault.SetFiles] noted.
	Files map[string]string `json:"-"`
}

// An Affected is a submission that suffers from damage. Channel and Day are
// empty when nothing tells them any more.
type Affected struct {
	ID      string `json:"id"`
	Channel string `json:"channel"`
	Day     string `json:"day"`
	// Readable tells that all of its documents can be opened.
	Readable bool     `json:"readable"`
	Problems []string `json:"problems"`
}

// Fine counts what is there and whole.
type Fine struct {
	Submissions int   `json:"submissions"`
	Channels    int   `json:"channels"`
	Rosters     int   `json:"rosters"`
	Mailboxes   int   `json:"mailboxes"`
	Receipts    int   `json:"receipts"`
	Replies     int   `json:"replies"`
	Orders      int   `json:"orders"`
	Leaves      int64 `json:"leaves"` // of the log, and those that wait
	Slots       int   `json:"slots"`  // keys in use
}

// Sound tells that nothing is damaged.
func (r Report) Sound() bool { return len(r.Damage)+len(r.Submissions) == 0 }

// String is the sentence about an affected submission.
func (a Affected) String() string {
	about := "submission " + a.ID
	if a.Channel != "" {
		about += fmt.Sprintf(" (channel %s, %s)", a.Channel, a.Day)
	}
	state := "cannot be read"
	if a.Readable {
		state = "can be read, but is not as it should be"
	}
	return fmt.Sprintf("%s %s: %s", about, state, strings.Join(a.Problems, "; "))
}

// VerifyOptions are what Verify can do beside reading.
type VerifyOptions struct {
	// Repair mends in the slots file what has a second good copy, and drops a
	// damaged list of free pages.
	Repair bool
	// Progress, when set, is told now and then how many bytes of how many were read.
	Progress func(done, of int64)
}

// Verify reads every byte of the files of a vault that nobody has open, and tells
// what is damaged, what suffers from it, and what is fine. It changes nothing
// unless it is to repair. It returns [ErrLocked] when the vault is in use; an
// error that wraps [fs.ErrNotExist] when there is none.
//
// It finds one flipped byte anywhere in a vault that was closed. In one whose
// program was killed, pages that are free were not emptied: nothing reads them,
// and they are not checked before the vault was opened and closed again.
//
// It takes as much memory as the largest value that is stored, a bit for each
// page, and 40 bytes for each submission that was ever deleted and each leaf that waits for
// the log.
func Verify(ctx context.Context, path string, o VerifyOptions) (Report, error) {
	f, err := os.Open(path)
	if err != nil {
		return Report{}, fmt.Errorf("failed to verify the vault: %w", err)
	}
	defer f.Close()
	if err := lockFile(f); err != nil {
		return Report{}, err
	}
	g, err := openImage(f)
	if errors.Is(err, errHeaders) {
		return Report{Damage: []string{"vault.db: both headers are damaged: nothing in the vault can be read"}}.complete(), nil
	}
	if err != nil {
		return Report{}, fmt.Errorf("failed to verify the vault: %w", err)
	}
	v := &verification{ctx: ctx, image: g, path: path, options: o, buckets: map[string]subtree{}, affected: map[ID]*Affected{},
		restored: -1, noted: -1, damagedLeaves: map[int64]bool{}, pending: map[ID]bool{}, gone: map[ID]bool{}, deleted: map[ID]bool{},
		rosters: map[rosterEpoch]string{}, strays: map[ID]bool{}, spent: map[uint32]bool{}}
	defer v.closeSlots()
	if err := v.all(); err != nil {
		return Report{}, fmt.Errorf("failed to verify the vault: %w", err)
	}
	return v.report.complete(), nil
}

// maxDamage bounds the list of what is damaged: nobody reads more.
const maxDamage = 1000

// A verification is one run of Verify.
type verification struct {
	ctx     context.Context
	image   *image
	path    string
	options VerifyOptions
	report  Report
	err     error // ended it

	buckets  map[string]subtree
	affected map[ID]*Affected
	broken   bool // a part of a tree cannot be read
	unsaid   int  // how much damage is not in the report
	elements int  // that were read; see goOn

	slots   *slots.File
	slotsID []byte
	numbers []uint32 // slots that the vault names
	spent   map[uint32]bool
	unsure  bool // about numbers

	logSize       int64
	restored      int64 // the log's last leaf of a restoration; -1: none
	noted         int64 // what the vault says of it; or notKnown
	damagedLeaves map[int64]bool
	pending       map[ID]bool // submissions whose leaf waits
	gone          map[ID]bool // that have a leaf and no header
	deleted       map[ID]bool // that have a deletion's leaf
	rosters       map[rosterEpoch]string
	strays        map[ID]bool // of whom something is there, but no header
}

func (v *verification) all() error {
	v.checkHeaders()
	if err := v.findBuckets(); err != nil {
		return err
	}
	for _, step := range []func(){
		v.checkMeta, v.checkMarks, v.checkSlots, v.checkLog, v.checkChannels, v.checkRest, v.checkSubmissions, v.checkSpace,
	} {
		if step(); v.err != nil {
			return v.err
		}
	}
	v.conclude()
	return nil
}

// damage notes something that is wrong.
func (v *verification) damage(format string, args ...any) {
	if len(v.report.Damage) == maxDamage {
		v.unsaid++
		return
	}
	v.report.Damage = append(v.report.Damage, fmt.Sprintf(format, args...))
}

// affect notes what a submission suffers from.
func (v *verification) affect(id ID, readable bool, format string, args ...any) *Affected {
	a := v.affected[id]
	if a == nil {
		a = &Affected{ID: id.String(), Readable: true}
		v.affected[id] = a
	}
	a.Readable = a.Readable && readable
	if problem := fmt.Sprintf(format, args...); !slices.Contains(a.Problems, problem) {
		a.Problems = append(a.Problems, problem)
	}
	return a
}

// about adds what is known of it.
func (a *Affected) about(channel, day string) {
	if a.Channel == "" {
		a.Channel, a.Day = channel, day
	}
}

// conclude takes what one part of the work left to be compared with another.
func (v *verification) conclude() {
	for id := range v.strays {
		if v.affected[id] == nil && !v.broken {
			v.damage("something is stored for %s, which is not in the vault", id)
		}
	}
	for id, a := range v.affected {
		if _, err := v.header(id); err != nil && a.Readable {
			v.affect(id, false, "its header cannot be read")
		}
		v.report.Submissions = append(v.report.Submissions, *a)
	}
	slices.SortFunc(v.report.Submissions, func(a, b Affected) int { return strings.Compare(a.ID, b.ID) })
	slices.Sort(v.report.Damage)
	v.report.Damage = slices.Compact(v.report.Damage)
	if v.unsaid > 0 {
		v.report.Damage = append(v.report.Damage, fmt.Sprintf("and more of the same, %d times", v.unsaid))
	}
}

// complete makes lists of what is nil, for JSON.
func (r Report) complete() Report {
	for _, list := range []*[]string{&r.Damage, &r.Unchecked, &r.Mended} {
		if *list == nil {
			*list = []string{}
		}
	}
	if r.Submissions == nil {
		r.Submissions = []Affected{}
	}
	return r
}

// goOn tells whether to, and now and then the progress.
func (v *verification) goOn() bool {
	if v.elements++; v.elements%256 == 0 {
		if v.err == nil {
			v.err = v.ctx.Err()
		}
		if v.options.Progress != nil {
			v.options.Progress(int64(v.image.count)*v.image.pageSize, v.image.end())
		}
	}
	return v.err == nil
}
