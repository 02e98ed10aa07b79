package parcel

import (
	"bytes"
	"context"
	"fmt"

	"sourdine/vault/translog"
)

// How a leaf begins, by its kind: it has one spelling.
const (
	submissionLeaf = `{"v":1,"kind":"submission",`
	deletionLeaf   = `{"v":1,"kind":"deletion",`
	rosterLeaf     = `{"v":1,"kind":"roster",`
)

func isLeaf(raw []byte, kind string) bool { return bytes.HasPrefix(raw, []byte(kind)) }

// checkCurrent returns [ErrOutdated] unless the log, as far as the parcel shows
// it, tells of everything that happened to the submissions before they were
// chosen. A deletion or a roster that joins the log later would make the desk
// believe that the vault kept something back, from one who was removed too, or added
// somebody unseen.
func (p *Plan) checkCurrent(ctx context.Context, a *audience) error {
	pending, err := p.vault.Pending()
	if err != nil {
		return err
	}
	size, err := p.vault.LogSize()
	if err != nil {
		return err
	}
	if pending == 0 && size == p.index.Size {
		return nil
	}
	return p.compareLog(ctx, a)
}

// compareLog is the long way: it reads the whole log.
func (p *Plan) compareLog(ctx context.Context, a *audience) error {
	there, epochs := int64(0), map[string]uint64{}
	for leaf, err := range p.vault.Leaves(0, p.index.Size) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		switch {
		case isLeaf(leaf, submissionLeaf):
			there++
		case isLeaf(leaf, deletionLeaf):
			there--
		case isLeaf(leaf, rosterLeaf):
			roster, err := decodeLeaf[translog.Roster](leaf)
			if err != nil {
				return err
			}
			epochs[roster.Channel] = max(epochs[roster.Channel], roster.Epoch)
		}
	}
	if there != a.logged {
		return ErrOutdated
	}
	for channel, epoch := range a.removed {
		if epoch > epochs[channel] {
			return ErrOutdated
		}
	}
	for _, s := range p.index.Submissions {
		if s.Epoch > epochs[s.Channel] {
			return ErrOutdated
		}
	}
	return nil
}

func decodeLeaf[L translog.Leaf](raw []byte) (leaf L, err error) {
	decoded, err := translog.Decode(raw)
	if err != nil {
		return leaf, fmt.Errorf("the vault's log is damaged: %w", err)
	}
	return decoded.(L), nil
}
