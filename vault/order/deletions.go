package order

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"sourdine/vault/translog"
)

const (
	// MaxDeletions is the largest deletions.json, in bytes.
	MaxDeletions = 8 << 20
	// MaxProof is the largest [Signed.Proof], in bytes.
	MaxProof = MaxDeletions + 64<<10
)

// Deletions is deletions.json: the part of an order that others get to see, as
// the proof of what the log says was deleted. So it is signed apart, and says
// nothing else of the return parcel (FORMAT.md, section 2). The fields stand in
// the order of the JSON.
type Deletions struct {
	Version  int        `json:"v"`
	VaultKey string     `json:"vault"`     // these three are those of the order
	Reviewer string     `json:"reviewer"`  //
	Sequence uint64     `json:"sequence"`  //
	List     []Deletion `json:"deletions"` // by id; at least one
}

// A Deletion orders that a submission be deleted. The channel is what the
// reviewer believes it to be in: a server that says otherwise must refuse.
type Deletion struct {
	ID      string `json:"id"`
	Channel string `json:"channel"`
}

var errDeletion = errors.New("a deletion of an order is not in its form")

// Encode returns deletions.json in its one spelling. Nothing is sorted.
func (d *Deletions) Encode() ([]byte, error) {
	o := *d
	o.Version = Version
	return encode(&o, MaxDeletions)
}

// DecodeDeletions reads deletions.json. It verifies no signature: see
// [VerifyDeletions].
func DecodeDeletions(raw []byte) (*Deletions, error) { return decode[Deletions](raw, deletionsForm) }

// check is [Return.check] for deletions.json.
func (d *Deletions) check() error {
	if err := checkHead(d.Version, d.VaultKey, d.Reviewer, d.Sequence); err != nil {
		return err
	}
	if len(d.List) == 0 {
		return errors.New("an order without deletions has no deletions.json")
	}
	if err := checkSorted(len(d.List), MaxIDs, func(i int) string { return d.List[i].ID }); err != nil {
		return err
	}
	for _, one := range d.List {
		if err := one.check(); err != nil {
			return err
		}
	}
	return nil
}

func (d *Deletion) check() error {
	unprintable := func(c rune) bool { return !unicode.IsPrint(c) }
	if d.Channel == "" || len(d.Channel) > translog.MaxName || !utf8.ValidString(d.Channel) || strings.ContainsFunc(d.Channel, unprintable) {
		return errDeletion
	}
	return nil
}

// UnmarshalJSON reads a deletion, and refuses early as that of a reply does.
func (d *Deletion) UnmarshalJSON(raw []byte) error {
	type plain Deletion
	return early(raw, (*plain)(d), d.check)
}
