package parcel

import (
	"context"
	"encoding/json"
	"iter"

	"sourdine/vault/translog"
)

// A ProofLine is a line of proofs.jsonl (FORMAT.md, section 4). The first has no
// ID, and proves that the log grew from the size Index; each other one proves
// that the log has the leaf of a submission.
type ProofLine struct {
	ID    string         `json:"id,omitempty"`
	Index int64          `json:"index"` // of the leaf; in the first line, since
	Proof translog.Proof `json:"proof"`
}

func (l *logPart) addProofs(ctx context.Context) error {
	return l.add(fileOfRows(ctx, ProofsName, int64(1+len(l.plan.index.Submissions)), l.plan.proofRows))
}

// proofRows are the proof of consistency, and that of each submission's
// inclusion.
func (p *Plan) proofRows(from, to int64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for i := from; i < to; i++ {
			row, err := p.proofRow(i)
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

func (p *Plan) proofRow(i int64) (row []byte, err error) {
	var line ProofLine
	if i == 0 {
		line.Index = p.index.Since
		line.Proof, err = translog.Consistency(line.Index, p.index.Size, p.vault)
	} else {
		s := &p.index.Submissions[i-1]
		line.ID, line.Index = s.ID, s.Leaf
		line.Proof, err = translog.Inclusion(line.Index, p.index.Size, p.vault)
	}
	if err == nil {
		row, err = json.Marshal(line)
	}
	return append(row, '\n'), err
}
