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
	maxParcels      = 1000
)

// Findings are all that this desk has to tell of what is wrong, and of what
// happened (FORMAT.md, section 10).
type Findings struct {
	Version int `json:"version"`
	// Submissions has what the last check of each found.
	Submissions map[string][]witness.Finding `json:"submissions"`
	// Parcels are those that were refused as a whole, of all imports.
	Parcels []witness.Finding `json:"parcels"`
	// Log is wrong in the log itself.
	Log []witness.Finding `json:"log"`
	// Missing did not come, or was deleted as nobody may.
	Missing []witness.Finding `json:"missing"`
	// Events are those that a person should confirm: changes of who may read, and
	// of how long things are kept.
	Events []witness.Event `json:"events"`
	// Told is how many leaves Events and Log are of.
	Told int64 `json:"told"`
	// Announced is how many submissions the last parcel said follow.
	Announced int `json:"announced"`
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

// refuse notes a parcel that was refused as a whole, once.
func (f *Findings) refuse(one witness.Finding) {
	if !slices.Contains(f.Parcels, one) && len(f.Parcels) < maxParcels {
		f.Parcels = append(f.Parcels, one)
	}
}

// tell adds events that a person should confirm.
func (f *Findings) tell(events []witness.Event) {
	for _, e := range events {
		if confirmable(e) {
			f.Events = append(f.Events, e)
		}
	}
}

// confirmable: a deletion is shown with what was deleted, and there may be
// thousands.
func confirmable(e witness.Event) bool {
	return e.Kind != witness.SubmissionDeleted && e.Kind != witness.ChannelMade
}

// EventKey names an event for [Desk.Know].
func EventKey(e witness.Event) string {
	return fmt.Sprintf("event %d %s %s", e.Leaf, e.Kind, e.Fingerprint)
}

// FindingKey names a finding for [Desk.Know].
func FindingKey(f witness.Finding) string {
	return fmt.Sprintf("finding %s %s %d %d %d %d %s %d %s %s", f.Kind, f.ID, f.Leaf, f.Known, f.Given, f.Item, f.Channel, f.Epoch, f.Fingerprint, f.Sum)
}

// General are the findings that are about no submission at this desk.
func (f *Findings) General() []witness.Finding {
	var all []witness.Finding
	for _, one := range slices.Concat(f.Parcels, f.Log, f.Missing) {
		if !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return all
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
