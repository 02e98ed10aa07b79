package witness

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"sourdine/vault/translog"
)

const (
	maxForks = 1000 // files, and as many again of restorations: one may have to be accepted
	maxFork  = 4 * translog.MaxCheckpoint
)

// A Contradiction is evidence: two checkpoints that the vault signed, and that
// cannot both be of one log.
type Contradiction struct {
	V        int    `json:"v"`
	Ours     string `json:"ours"`     // this desk's signed checkpoint when it was found
	Theirs   string `json:"theirs"`   // the parcel's, or another desk's
	Kind     Kind   `json:"kind"`     // Fork, OtherLog or Restored
	Differs  int64  `json:"differs"`  // the first leaf that is another one, when known, else 0
	Restored string `json:"restored"` // the leaf of that kind, with Restored only
}

// keepFork names the file after what it holds: found twice, it is one.
func (b *Book) keepFork(c Contradiction) error {
	names, err := b.fs.list(forksName)
	if err != nil {
		return fmt.Errorf("failed to keep the evidence: %w", err)
	}
	c.V = version
	raw, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("failed to keep the evidence: %w", err)
	}
	name := sumOf(raw) + ".json"
	most := maxForks
	if c.Kind == Restored {
		most *= 2
	}
	if len(names) >= most || slices.Contains(names, name) {
		return nil // a thousand are enough
	}
	return replace(b.fs, forksName+"/"+name, append(raw, '\n'))
}

// Contradictions returns the evidence that is kept.
func (b *Book) Contradictions() ([]Contradiction, error) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.contradictions()
}

func (b *Book) contradictions() ([]Contradiction, error) {
	names, err := b.fs.list(forksName)
	if err != nil {
		return nil, fmt.Errorf("failed to read the evidence: %w", err)
	}
	var all []Contradiction
	for _, name := range names {
		var c Contradiction
		if !strings.HasSuffix(name, ".json") { // interrupted while it was written
			continue
		}
		raw, err := read(b.fs, forksName+"/"+name, maxFork)
		if err != nil {
			return nil, fmt.Errorf("failed to read the evidence: %w", err)
		}
		if json.Unmarshal(raw, &c) != nil {
			return nil, fmt.Errorf("%w: evidence of a fork", ErrDamaged)
		}
		all = append(all, c)
	}
	return all, nil
}

// An evidence is a contradiction that was opened again.
type evidence struct {
	Contradiction
	ours, theirs translog.Checkpoint
	restored     translog.Restored // with Kind Restored
}

// sum identifies the restoration by its leaf: whoever has the server can write
// another leaf with the same mark.
func (e evidence) sum() string { return sumOf([]byte(e.Contradiction.Restored)) }

func (e evidence) finding(b *Book) Finding {
	return Finding{Kind: e.Kind, Known: e.ours.Size, Given: e.theirs.Size, Leaf: e.Differs, Day: e.restored.Day, Sum: e.sum()}
}

// evidence reads what is kept, and verifies it anew. What cannot be verified any
// more has checkpoints of no size.
func (b *Book) evidence() ([]evidence, error) {
	all, err := b.contradictions()
	if err != nil {
		return nil, err
	}
	opened := make([]evidence, len(all))
	for i, c := range all {
		e := evidence{Contradiction: c}
		e.ours, _ = translog.OpenCheckpoint([]byte(c.Ours), b.vaultKey)
		e.theirs, _ = translog.OpenCheckpoint([]byte(c.Theirs), b.vaultKey)
		leaf, _ := translog.Decode([]byte(c.Restored))
		e.restored, _ = leaf.(translog.Restored)
		if c.Kind == Restored && e.restored.Mark == "" {
			return nil, fmt.Errorf("%w: evidence of a restoration", ErrDamaged)
		}
		opened[i] = e
	}
	return opened, nil
}

// waiting is the evidence of restorations whose log may still be taken in: it
// contradicts the log as the book has it now.
func (b *Book) waiting() ([]evidence, error) {
	all, err := b.evidence()
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(e evidence) bool { return e.Kind != Restored || b.knows(e.sum()) })
	var ours []translog.Checkpoint
	for _, e := range all {
		ours = append(ours, e.ours)
	}
	agree, err := agreeing(b.file, b.head.Bytes, ours)
	return slices.DeleteFunc(all, func(e evidence) bool { return !agree[e.ours] }), err
}

// forkFindings judges the evidence by what the book knows now.
func (b *Book) forkFindings() []Finding {
	findings, err := b.judgeEvidence()
	if err != nil {
		return append(findings, Finding{Kind: BookDamaged, Cause: err.Error()})
	}
	return findings
}

func (b *Book) judgeEvidence() ([]Finding, error) {
	all, err := b.evidence()
	if err != nil {
		return nil, err
	}
	waiting, err := b.waiting()
	if err != nil {
		return nil, err
	}
	accepted, err := b.accepted()
	if err != nil {
		return nil, err
	}
	known, err := b.ofAnyGeneration(all)
	if err != nil {
		return nil, err
	}
	var findings []Finding
	for _, e := range all {
		explained := known[e.ours] && known[e.theirs]
		switch {
		case e.Kind == Restored:
			waits := slices.ContainsFunc(waiting, func(w evidence) bool { return w.Contradiction == e.Contradiction })
			explained = !waits || accepted[e.sum()]
		case !explained: // a parcel that broke off may have brought the same checkpoint before
			explained = slices.ContainsFunc(all, func(o evidence) bool { return o.Kind == Restored && o.Theirs == e.Theirs })
		}
		if f := e.finding(b); !explained && !slices.Contains(findings, f) {
			findings = append(findings, f)
		}
	}
	return findings, nil
}

// ofAnyGeneration finds out which checkpoints are of the log as it is or as it
// was before the vault was restored.
func (b *Book) ofAnyGeneration(all []evidence) (map[translog.Checkpoint]bool, error) {
	var checkpoints []translog.Checkpoint
	for _, e := range all {
		checkpoints = append(checkpoints, e.ours, e.theirs)
	}
	known := map[translog.Checkpoint]bool{}
	for ; b != nil; b = b.before {
		agree, err := agreeing(b.file, b.head.Bytes, checkpoints)
		if err != nil {
			return nil, err
		}
		for c := range agree {
			known[c] = known[c] || agree[c]
		}
	}
	return known, nil
}
