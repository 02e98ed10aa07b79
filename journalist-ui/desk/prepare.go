package desk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"sourdine/journalist-ui/witness"
	"sourdine/vault/order"
	"sourdine/vault/parcel"
)

// Errors that callers branch on.
var (
	// ErrNothingToReturn: nothing is new since the last return parcel.
	ErrNothingToReturn = errors.New("there is nothing to tell the server")
	// ErrNoVault: no vault is known yet.
	ErrNoVault = errors.New("this desk knows no vault yet: import a parcel first")
)

// A ReturnParcel is ready to be written.
type ReturnParcel struct {
	Sequence uint64 `json:"sequence"`
	// Again: it was signed before, and the server has not answered it yet. What
	// was asked for since goes into the next one.
	Again        bool `json:"again"`
	Acknowledged int  `json:"acknowledged"`
	Opened       int  `json:"opened"`
	Deletions    int  `json:"deletions"`
	Replies      int  `json:"replies"`
	Envelopes    int  `json:"envelopes"`

	desk   *Desk
	signed signedOrder
}

// PrepareReturn signs what waits for the server, with the reviewer's key, or
// takes the order that is on its way: until the server answers it there is no
// other. An order counts from the moment that it is on stable storage. After the
// server was restored the error may be [ErrUnheard].
func (d *Desk) PrepareReturn(ctx context.Context, passphrase []byte) (*ReturnParcel, error) {
	release, err := d.lockImport()
	if err != nil {
		return nil, err
	}
	defer release()
	h, err := d.history()
	if err != nil {
		return nil, err
	}
	if err := d.checkHeard(h); err != nil {
		return nil, err
	}
	if o, waits := h.pending(); waits {
		return d.parcelOf(o, true), nil
	}
	if err := d.settleFindings(ctx); err != nil {
		return nil, err
	}
	if err := d.sweepEnvelopes(h); err != nil {
		return nil, err
	}
	c, err := d.compose(ctx, h)
	if err != nil {
		return nil, err
	}
	o, err := d.sign(c, passphrase)
	if err != nil {
		return nil, err
	}
	return d.parcelOf(o, false), nil
}

// settleFindings keeps what an interrupted import stored from being acknowledged
// before it was looked at.
func (d *Desk) settleFindings(ctx context.Context) error {
	f, err := d.Findings()
	if err != nil || !f.Interrupted {
		return err
	}
	return d.withLog(func(book *witness.Book) error { return d.settle(ctx, book, f) })
}

func (d *Desk) parcelOf(o signedOrder, again bool) *ReturnParcel {
	return &ReturnParcel{
		Sequence: o.Sequence, Again: again, Acknowledged: len(o.order.Acknowledged), Opened: len(o.order.Opened),
		Deletions: len(o.deletions), Replies: len(o.order.Replies), Envelopes: len(o.order.Envelopes), desk: d, signed: o,
	}
}

// sign signs an order and keeps it.
func (d *Desk) sign(c *composed, passphrase []byte) (signedOrder, error) {
	now := time.Now()
	o := signedOrder{Sequence: c.Sequence, Day: dayOf(now)}
	reviewer, err := d.signer(passphrase)
	if err != nil {
		return o, err
	}
	s, err := c.Sign(c.deletions, reviewer, now)
	if err != nil {
		return o, err
	}
	o.Return, o.Signature, o.Deletions, o.DeletionsSignature = s.Return, s.ReturnSignature, s.Deletions, s.DeletionsSignature
	if err := o.open(); err != nil {
		return o, err
	}
	file, err := json.Marshal(o)
	if err != nil {
		return o, fmt.Errorf("failed to encode an order: %w", err)
	}
	if err := makeFolders(d.home, d.path(returnsName)); err != nil {
		return o, err
	}
	return o, writeFile(d.path(returnsName), fmt.Sprint(o.Sequence, orderSuffix), append(file, '\n'))
}

// A composed order is not signed yet.
type composed struct {
	order.Return
	deletions []order.Deletion
}

// compose gathers what no order has that counts.
func (d *Desk) compose(ctx context.Context, h *history) (*composed, error) {
	vaultKey, err := d.VaultKey()
	if err != nil {
		return nil, err
	}
	if vaultKey == "" {
		return nil, ErrNoVault
	}
	r := &composed{Return: order.Return{VaultKey: vaultKey, Reviewer: d.Fingerprint(), Sequence: h.last + 1}}
	for _, part := range []func(context.Context, *history, *composed) error{
		d.composeSeen, d.composeAcknowledged, d.composeOpened, d.composeDeletions, d.composeReplies, d.composeEnvelopes,
	} {
		if err := part(ctx, h, r); err != nil {
			return nil, err
		}
	}
	news := len(r.Acknowledged) + len(r.Opened) + len(r.deletions) + len(r.Replies) + len(r.Envelopes)
	if news == 0 && r.Seen <= h.seen() {
		return nil, ErrNothingToReturn
	}
	return r, nil
}

// seen is how much of the log the server knows that this desk saw.
func (h *history) seen() int64 {
	var seen int64
	for _, o := range h.orders {
		if _, applied := h.receiptOf(o); applied {
			seen = max(seen, o.order.Seen)
		}
	}
	return seen
}

// composeSeen tells how much of the log this desk verified.
func (d *Desk) composeSeen(_ context.Context, _ *history, r *composed) error {
	head, err := d.LogHead()
	if errors.Is(err, ErrNoVault) {
		return nil
	}
	if len(head.Checkpoint) <= order.MaxCheckpoint {
		r.Seen, r.Checkpoint = head.Size, string(head.Checkpoint)
	}
	return err
}

// composeAcknowledged tells of what is here and sound.
func (d *Desk) composeAcknowledged(ctx context.Context, h *history, r *composed) error {
	findings, err := d.Findings()
	if err != nil {
		return err
	}
	stored, err := d.store().ids()
	if err != nil {
		return err
	}
	here := setOf(stored)
	for s, err := range d.book.Submissions(ctx, "") {
		if err != nil {
			return err
		}
		_, known := h.acknowledged[s.ID]
		if s.Doubtful == "" && here[s.ID] && !known && !findings.Doubts(s.ID) && !findings.Lost(s.ID) {
			r.Acknowledged = append(r.Acknowledged, s.ID)
		}
	}
	slices.Sort(r.Acknowledged)
	r.Acknowledged = r.Acknowledged[:min(len(r.Acknowledged), order.MaxIDs)]
	return nil
}

func (d *Desk) composeOpened(_ context.Context, h *history, r *composed) error {
	findings, err := d.Findings()
	if err != nil {
		return err
	}
	ids, err := waiting(d.openedFolder())
	for _, id := range ids {
		if !h.opened[id] && !findings.Lost(id) && len(r.Opened) < order.MaxIDs {
			r.Opened = append(r.Opened, id)
		}
	}
	slices.Sort(r.Opened)
	return err
}

func (d *Desk) composeDeletions(_ context.Context, _ *history, r *composed) error {
	queued, err := d.queuedDeletions()
	size := 1 << 10 // of deletions.json, at the most
	for _, id := range slices.Sorted(maps.Keys(queued)) {
		// 64 bytes for what stands around them, the id's 26 among it; a character
		// of the channel may be escaped.
		size += 64 + 2*len(queued[id])
		if len(r.deletions) < order.MaxIDs && size <= order.MaxDeletions {
			r.deletions = append(r.deletions, order.Deletion{ID: id, Channel: queued[id]})
		}
	}
	return err
}

func (d *Desk) composeReplies(_ context.Context, h *history, r *composed) error {
	written, err := d.replies()
	if err != nil {
		return err
	}
	var total int64
	for _, reply := range written {
		if h.replies[reply.SHA256] || len(r.Replies) == order.MaxReplies || total+reply.Size > order.MaxFiles {
			continue
		}
		total += reply.Size
		r.Replies = append(r.Replies, order.Reply{N: len(r.Replies) + 1, Mailbox: reply.Mailbox, Size: reply.Size, SHA256: reply.SHA256})
	}
	return nil
}

// Write writes the parcel. When it returns an error, what was written is not a
// parcel; it can be written again.
func (p *ReturnParcel) Write(ctx context.Context, w io.Writer) error {
	return parcel.WriteReturn(ctx, w, p.signed.signed(), func(f parcel.ReturnFile) (io.Reader, error) {
		if f.Reply == nil {
			return p.desk.openQueued(f.Envelope)
		}
		message, err := p.desk.sealedReply(f.Reply.SHA256)
		return bytes.NewReader(message), err
	})
}

// Save writes the parcel to a new file, as [Desk.Save] does an item.
func (p *ReturnParcel) Save(ctx context.Context, path string) error {
	return saveNew(path, func(w io.Writer) error { return p.Write(ctx, w) })
}
