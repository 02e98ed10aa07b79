package parcel

import (
	"context"
	"errors"
	"io"

	"sourdine/vault"
)

// ErrUnreadable: a payload cannot be read, and what was written so far of the parcel
// is worth nothing. A new plan leaves out all that cannot be read of this one.
var ErrUnreadable = errors.New("a submission cannot be read: the parcel must be made anew, without it")

// Unreadable are the submissions that belong into the parcel and that the vault
// cannot read. A desk misses them, as the log says that they came. Of several parts,
// each tells of those before its last submission, and the last part of all others.
func (p *Plan) Unreadable() []vault.ID { return p.unreadable }

// survey reads every payload, so that the vault knows which ones it cannot read:
// else each attempt would find one more.
func (p *Plan) survey(ctx context.Context) error {
	for i, s := range p.index.Submissions {
		for n, payload := range s.Payloads {
			if err := ctx.Err(); err != nil {
				return err
			}
			content, err := p.open(place{i, n})
			if err == nil {
				_, err = io.Copy(io.Discard, io.NewSectionReader(content, 0, payload.Size))
			}
			if err != nil {
				break // the vault has taken note, or it was deleted
			}
		}
	}
	return nil
}
