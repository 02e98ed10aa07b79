package desk

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"sourdine/journalist-ui/witness"
)

const (
	findingsName    = "findings.json"
	findingsVersion = 1
	maxFindings     = 256 << 20 // bytes
	// maxOfKind is how many findings, or events, of one kind a list has: a server may
	// make up a million. What is about a submission here is always kept.
	maxOfKind = 2000
)

// The keys of [Findings.More].
const (
	moreParcels = "parcels"
	moreLog     = "log"
	moreMissing = "missing"
	moreEvents  = "events"
)

// Findings are all that this desk has to tell of what is wrong, and of what
// happened (FORMAT.md, section 10).
type Findings struct {
	Version int `json:"version"`
	// Submissions has what the last check of each found.
	Submissions map[string][]witness.Finding `json:"submissions"`
	// Parcels is wrong with parcels as a whole, or with what they brought of submissions
	// that are here and were kept as they are; of all imports.
	Parcels []witness.Finding `json:"parcels"`
	// Log is wrong in the log itself.
	Log []witness.Finding `json:"log"`
	// Missing did not come, or was deleted as nobody may.
	Missing []witness.Finding `json:"missing"`
	// Events are those that a person should confirm: changes of who may read, and
	// of how long things are kept.
	Events []witness.Event `json:"events"`
	// More is how many each list would have beside what it has. An audit tells them,
	// except events.
	More map[string]int `json:"more,omitempty"`
	// Told is how many leaves Events and Log are of.
	Told int64 `json:"told"`
	// Part is what the last parcel for this reviewer said of what waits for them; nil
	// before the first.
	Part *witness.Part `json:"part"`
	// Generation of the log that all this is of.
	Generation int `json:"generation"`
	// Again has the ids of submissions whose deletion the desk ordered again by
	// itself, after the server was restored.
	Again []string `json:"again"`
	// Interrupted: an import is running, or was killed. What it found out about
	// submissions is not here yet.
	Interrupted bool `json:"interrupted"`
	// Known has the keys of what a person said that they know.
	Known map[string]bool `json:"known"`
}

// Findings reads what the imports and audits so far found.
func (d *Desk) Findings() (*Findings, error) {
	f := &Findings{Version: findingsVersion}
	raw, err := readFile(d.path(findingsName), maxFindings)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		// What was found when something came is lost with it.
		stored, err := d.store().ids()
		if err != nil {
			return nil, err
		}
		f.Interrupted = len(stored) > 0
	case err != nil:
		return nil, fmt.Errorf("failed to read the findings: %w", err)
	case json.Unmarshal(raw, f) != nil:
		return nil, fmt.Errorf("the home's %s is damaged: delete it, and audit", findingsName)
	case f.Version != findingsVersion:
		return nil, fmt.Errorf("the home's %s has version %d, this program knows %d", findingsName, f.Version, findingsVersion)
	}
	if f.Submissions == nil {
		f.Submissions = map[string][]witness.Finding{}
	}
	if f.Known == nil {
		f.Known = map[string]bool{}
	}
	return f, nil
}

// keepFindings writes them. The import lock must be held.
func (d *Desk) keepFindings(f *Findings) error {
	raw, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		return fmt.Errorf("failed to encode the findings: %w", err)
	}
	if len(raw) >= maxFindings {
		return fmt.Errorf("what this desk found is more than %d bytes: the server made it up", maxFindings)
	}
	return writeFile(d.home, findingsName, append(raw, '\n'))
}

// Doubts reports whether a submission must be kept apart for what was found.
func (f *Findings) Doubts(id string) bool { return serious(f.Of(id)) }

// Of returns everything that was found about a submission.
func (f *Findings) Of(id string) []witness.Finding {
	all := slices.Clone(f.Submissions[id])
	for _, list := range [][]witness.Finding{f.Log, f.Missing} {
		for _, one := range list {
			if one.ID == id {
				all = append(all, one)
			}
		}
	}
	return all
}

// set replaces what is known of a submission.
func (f *Findings) set(id string, findings []witness.Finding) {
	if len(findings) == 0 {
		delete(f.Submissions, id)
		return
	}
	f.Submissions[id] = findings
}

// came takes out that a submission did not come: the next parcel that says what is
// missing need not be sound.
func (f *Findings) came(id string) {
	absence := []witness.Kind{witness.Dropped, witness.PartSkipped, witness.Awaited, witness.Withheld, witness.LostInRestore}
	f.Missing = slices.DeleteFunc(f.Missing, func(one witness.Finding) bool { return one.ID == id && slices.Contains(absence, one.Kind) })
}

// refuse notes a parcel that was refused as a whole, once.
func (f *Findings) refuse(one witness.Finding) {
	same := 0
	for _, known := range f.Parcels {
		if known == one {
			return
		}
		if known.Kind == one.Kind {
			same++
		}
	}
	if same >= maxOfKind {
		f.more(moreParcels, 1)
		return
	}
	f.Parcels = append(f.Parcels, one)
}

func (f *Findings) more(list string, n int) {
	if f.More == nil {
		f.More = map[string]int{}
	}
	if f.More[list] += n; f.More[list] == 0 {
		delete(f.More, list)
	}
}

// addLog adds what is wrong in the log; here has the ids of the submissions at this
// desk.
func (f *Findings) addLog(found []witness.Finding, here map[string]bool) {
	kept, more := capped(unique(f.Log, found), here)
	f.Log = kept
	f.more(moreLog, more)
}

// setLog replaces it.
func (f *Findings) setLog(found []witness.Finding, here map[string]bool) {
	f.more(moreLog, -f.More[moreLog])
	f.Log = nil
	f.addLog(found, here)
}

// setMissing replaces what did not come.
func (f *Findings) setMissing(missing []witness.Finding, here map[string]bool) {
	kept, more := capped(missing, here)
	f.Missing = kept
	f.more(moreMissing, more-f.More[moreMissing])
}

// capped keeps the first of each kind, and all about submissions here.
func capped(all []witness.Finding, here map[string]bool) (kept []witness.Finding, more int) {
	had := map[witness.Kind]int{}
	for _, one := range all {
		if had[one.Kind]++; had[one.Kind] > maxOfKind && !here[one.ID] {
			more++
			continue
		}
		kept = append(kept, one)
	}
	return kept, more
}

// unique are the findings of all lists, each once.
func unique(lists ...[]witness.Finding) (all []witness.Finding) {
	had := map[witness.Finding]bool{}
	for _, list := range lists {
		for _, one := range list {
			if !had[one] {
				had[one] = true
				all = append(all, one)
			}
		}
	}
	return all
}

// tell adds events that a person should confirm.
func (f *Findings) tell(events []witness.Event) {
	had := map[witness.EventKind]int{}
	for _, e := range f.Events {
		had[e.Kind]++
	}
	for _, e := range events {
		if !confirmable(e) {
			continue
		}
		if had[e.Kind]++; had[e.Kind] > maxOfKind {
			f.more(moreEvents, 1)
			continue
		}
		f.Events = append(f.Events, e)
	}
}

// confirmable: a deletion is shown with what was deleted, and there may be
// thousands.
func confirmable(e witness.Event) bool {
	return e.Kind != witness.SubmissionDeleted && e.Kind != witness.SubmissionBack && e.Kind != witness.ChannelMade
}

// EventKey names an event for [Desk.Know].
func EventKey(e witness.Event) string {
	return fmt.Sprintf("event %d %d %s %s", e.Generation, e.Leaf, e.Kind, e.Fingerprint)
}

// FindingKey names a finding for [Desk.Know], by all that it says: who knows of one
// added key does not know of another.
func FindingKey(f witness.Finding) string {
	return fmt.Sprintf("finding %s %q %d %d %d %d %q %d %q %q %q %q %q %q %q", f.Kind, f.ID, f.Leaf, f.Known, f.Given, f.Item, f.Channel, f.Epoch,
		f.Fingerprint, f.Sum, f.Name, f.KeyID, f.Key, f.Day, f.Cause)
}

// Unlisted counts what the server made up in too great a number to be kept one by one.
func (f *Findings) Unlisted() (findings, events int) {
	return f.More[moreParcels] + f.More[moreLog] + f.More[moreMissing], f.More[moreEvents]
}

// General are the findings that are about no submission at this desk.
func (f *Findings) General() []witness.Finding {
	return unique(f.Parcels, f.Log, f.Missing)
}

// All are the general ones and those about submissions here, by id.
func (f *Findings) All() []witness.Finding {
	all := f.General()
	for _, id := range slices.Sorted(maps.Keys(f.Submissions)) {
		all = append(all, f.Submissions[id]...)
	}
	return all
}

// News counts what nobody said that they know: events, and findings that are
// more than notices.
func (f *Findings) News() (events, findings int) {
	for _, e := range f.Events {
		if !f.Known[EventKey(e)] {
			events++
		}
	}
	for _, one := range f.All() {
		if !one.Kind.Notice() && !f.Known[FindingKey(one)] {
			findings++
		}
	}
	return events, findings
}

// has tells whether the key names anything.
func (f *Findings) has(key string) bool {
	if slices.ContainsFunc(f.Events, func(e witness.Event) bool { return EventKey(e) == key }) {
		return true
	}
	return slices.ContainsFunc(f.All(), func(one witness.Finding) bool { return FindingKey(one) == key })
}

// Know notes that a person knows of an event or a finding, by its key. It stays
// on the list. An unknown key gives [ErrNotFound]; while an import runs the error
// is [ErrBusy].
func (d *Desk) Know(key string) error {
	release, err := d.lockImport()
	if err != nil {
		return err
	}
	defer release()
	f, err := d.Findings()
	if err != nil {
		return err
	}
	if !f.has(key) {
		return ErrNotFound
	}
	f.Known[key] = true
	return d.keepFindings(f)
}
