package desk

import (
	"context"
	"errors"
	"maps"
	"slices"

	"sourdine/vault/order"
)

// Outgoing is what waits for the server, and what it said last.
type Outgoing struct {
	Acknowledged int // that the next new return parcel would have
	Opened       int
	Deletions    []string // ids, of which Ordered are on their way
	Ordered      []string
	Replies      int
	Envelopes    int // likewise
	// Stale is how many new envelopes wait that are for another roster by now:
	// [Desk.Renew] makes them anew.
	Stale int
	// Pending is the parcel that was signed and not answered yet.
	Pending *ReturnParcel
	// Receipt is the server's last answer.
	Receipt *order.Applied
}

// Outgoing tells it.
func (d *Desk) Outgoing(ctx context.Context) (Outgoing, error) {
	var out Outgoing
	h, err := d.history()
	if err != nil {
		return out, err
	}
	queued, err := d.queuedDeletions()
	if err != nil {
		return out, err
	}
	out.Deletions = slices.Sorted(maps.Keys(queued))
	for _, id := range out.Deletions {
		if h.deletions[id] {
			out.Ordered = append(out.Ordered, id)
		}
	}
	if o, waits := h.pending(); waits {
		out.Pending = d.parcelOf(o, true)
	}
	if own := h.own(); len(own) > 0 {
		out.Receipt = &own[len(own)-1]
	}
	envelopes, err := d.sortEnvelopes(h)
	if err != nil {
		return out, err
	}
	out.Stale = len(envelopes.stale)
	r, err := d.compose(ctx, h)
	switch {
	case errors.Is(err, ErrNothingToReturn), errors.Is(err, ErrNoVault):
		return out, nil
	case err != nil:
		return out, err
	}
	out.Acknowledged, out.Opened, out.Replies, out.Envelopes = len(r.Acknowledged), len(r.Opened), len(r.Replies), len(r.Envelopes)
	return out, nil
}
