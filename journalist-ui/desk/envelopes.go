package desk

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"sourdine/journalist-ui/witness"
	"sourdine/vault"
	"sourdine/vault/order"
)

// A new envelope waits for the next return parcel in the outbox (FORMAT.md,
// section 13). Its name says all that an order says of it:
//
//	outbox/envelopes/ID-EPOCH-SHA256.pgp
//
// The last one that the server took for each submission is kept: it goes again when
// the server has lost it (section 12).
//
//	returns/envelopes/ID.pgp
const (
	envelopesName  = "envelopes"
	envelopeSuffix = ".pgp"
)

func (d *Desk) envelopesFolder() string { return d.path(filepath.Join(outboxName, envelopesName)) }
func (d *Desk) takenFolder() string     { return d.path(filepath.Join(returnsName, envelopesName)) }

// A queuedEnvelope is one of them.
type queuedEnvelope struct {
	id     string
	epoch  uint64
	sha256 string
}

func queuedOf(id string, epoch uint64, envelope []byte) queuedEnvelope {
	return queuedEnvelope{id, epoch, digestOf(envelope)}
}

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func (q queuedEnvelope) name() string {
	return fmt.Sprintf("%s-%d-%s%s", q.id, q.epoch, q.sha256, envelopeSuffix)
}

func parseQueued(name string) (q queuedEnvelope, ok bool) {
	parts := strings.Split(strings.TrimSuffix(name, envelopeSuffix), "-")
	if len(parts) != 3 {
		return q, false
	}
	epoch, err := strconv.ParseUint(parts[1], 10, 64)
	q = queuedEnvelope{parts[0], epoch, parts[2]}
	_, idErr := vault.ParseID(q.id)
	return q, err == nil && idErr == nil && len(q.sha256) == 2*sha256.Size && q.name() == name
}

// queuedEnvelopes lists them by id, those for later rosters first.
func (d *Desk) queuedEnvelopes() ([]queuedEnvelope, error) {
	entries, err := os.ReadDir(d.envelopesFolder())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("failed to look into the outbox: %w", err)
	}
	var all []queuedEnvelope
	for _, e := range entries {
		if q, ok := parseQueued(e.Name()); ok {
			all = append(all, q)
		}
	}
	slices.SortFunc(all, func(a, b queuedEnvelope) int {
		if a.id == b.id && a.epoch > b.epoch {
			return -1
		}
		return strings.Compare(a.id, b.id)
	})
	return all, nil
}

func (d *Desk) queuedEnvelope(q queuedEnvelope) ([]byte, error) {
	envelope, err := readFile(filepath.Join(d.envelopesFolder(), q.name()), order.MaxEnvelope)
	if err == nil && queuedOf(q.id, q.epoch, envelope) != q {
		err = errors.New("it is damaged")
	}
	if err != nil {
		return nil, fmt.Errorf("failed to read the new envelope of submission %s: %w", q.id, err)
	}
	return envelope, nil
}

func (d *Desk) dropEnvelope(q queuedEnvelope) error {
	err := os.Remove(filepath.Join(d.envelopesFolder(), q.name()))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("failed to clear the outbox: %w", err)
	}
	return nil
}

// keepTaken takes one that the server has out of the outbox.
func (d *Desk) keepTaken(q queuedEnvelope) error {
	if err := makeFolders(d.home, d.takenFolder()); err != nil {
		return err
	}
	err := os.Rename(filepath.Join(d.envelopesFolder(), q.name()), filepath.Join(d.takenFolder(), q.id+envelopeSuffix))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("failed to clear the outbox: %w", err)
	}
	return nil
}

// queueEnvelopesAgain puts the new envelopes of an order that became void into the
// outbox again, as they were: nobody can read by them whom a person did not confirm.
// One that is not here any more, or for a roster that is not that of now, a person
// makes anew.
func (d *Desk) queueEnvelopesAgain(o signedOrder) error {
	if len(o.order.Envelopes) == 0 {
		return nil
	}
	if err := makeFolders(d.home, d.envelopesFolder()); err != nil {
		return err
	}
	for _, e := range o.order.Envelopes {
		q := queuedEnvelope{e.ID, e.Epoch, e.SHA256}
		envelope, err := readFile(filepath.Join(d.takenFolder(), e.ID+envelopeSuffix), order.MaxEnvelope)
		if err != nil || queuedOf(e.ID, e.Epoch, envelope) != q {
			continue
		}
		if err := placeFile(d.envelopesFolder(), q.name(), envelope); err != nil {
			return err
		}
	}
	return syncFolder(d.envelopesFolder())
}

// An outgoingEnvelopes sorts what is in the outbox. What is on its way in a return
// parcel is in none of the lists, and must stay.
type outgoingEnvelopes struct {
	fit   []queuedEnvelope // for the next return parcel, by id
	stale []queuedEnvelope // for another roster than that of now, or refused: to be made anew
	over  []queuedEnvelope // the submission is deleted, or the server has a new envelope
}

func (d *Desk) sortEnvelopes(h *history) (out outgoingEnvelopes, err error) {
	queued, err := d.queuedEnvelopes()
	if err != nil || len(queued) == 0 {
		return out, err
	}
	err = d.withLog(func(book *witness.Book) error {
		out = h.sortEnvelopes(book, queued)
		return nil
	})
	return out, err
}

func (h *history) sortEnvelopes(book *witness.Book, queued []queuedEnvelope) (out outgoingEnvelopes) {
	onItsWay := map[queuedEnvelope]bool{}
	if o, waits := h.pending(); waits {
		for _, e := range o.order.Envelopes {
			onItsWay[queuedEnvelope{e.ID, e.Epoch, e.SHA256}] = true
		}
	}
	last := ""
	for _, q := range queued {
		leaf, _, known := book.Submission(q.id)
		_, _, deleted := book.Deletion(q.id)
		epoch, _ := book.Epoch(leaf.Channel)
		switch {
		case onItsWay[q]:
		case !known || deleted || h.envelopes[q.id] >= q.epoch || last == q.id:
			out.over = append(out.over, q)
			continue
		case q.epoch != epoch || h.refused[q.sha256]:
			out.stale = append(out.stale, q)
		default:
			out.fit = append(out.fit, q)
		}
		last = q.id
	}
	return out
}

// sweepEnvelopes takes out of the outbox what is over, and what was damaged on
// the disk: that can be made again. The import lock must be held.
func (d *Desk) sweepEnvelopes(h *history) error {
	out, err := d.sortEnvelopes(h)
	if err != nil {
		return err
	}
	for _, q := range out.fit {
		if _, err := d.queuedEnvelope(q); err != nil {
			out.over = append(out.over, q)
		}
	}
	for _, q := range out.over {
		remove := d.dropEnvelope
		if h.envelopes[q.id] == q.epoch { // a kill came before the server's answer cleared it
			remove = d.keepTaken
		}
		if err := remove(q); err != nil {
			return err
		}
	}
	if len(out.fit) == 0 {
		return nil
	}
	return syncFolder(d.envelopesFolder()) // before an order names what is in it
}

// composeEnvelopes takes as many as fit; the others go with a later parcel.
func (d *Desk) composeEnvelopes(_ context.Context, h *history, r *composed) error {
	out, err := d.sortEnvelopes(h)
	if err != nil {
		return err
	}
	var total int64
	for _, reply := range r.Replies {
		total += reply.Size
	}
	doomed := map[string]bool{}
	for _, x := range r.deletions {
		doomed[x.ID] = true
	}
	for _, q := range out.fit {
		info, err := os.Stat(filepath.Join(d.envelopesFolder(), q.name()))
		if err != nil {
			return fmt.Errorf("failed to look into the outbox: %w", err)
		}
		if doomed[q.id] || len(r.Envelopes) == order.MaxEnvelopes || total+info.Size() > order.MaxFiles {
			continue
		}
		total += info.Size()
		r.Envelopes = append(r.Envelopes, order.Envelope{ID: q.id, Epoch: q.epoch, Size: info.Size(), SHA256: q.sha256})
	}
	return nil
}

// countEnvelopes notes what the server did with the new envelopes of an order, or
// that they are on their way.
func (h *history) countEnvelopes(o signedOrder, receipt order.Applied, applied bool) {
	refused := map[string]bool{}
	for _, r := range receipt.Done.Refusals {
		if r.List == order.ListEnvelopes && r.Reason != order.ReasonRenewed { // which is as good
			refused[r.ID] = true
		}
	}
	// A receipt does not list all refusals when there are many, and these last.
	unlisted := receipt.Done.Refused > len(receipt.Done.Refusals) && receipt.Done.Envelopes < len(o.order.Envelopes)
	for _, e := range o.order.Envelopes {
		if applied && (refused[e.ID] || unlisted) {
			h.refused[e.SHA256] = true
			continue
		}
		h.envelopes[e.ID] = max(h.envelopes[e.ID], e.Epoch)
	}
}

// clearEnvelopes takes away those of an order that the server answered. What it
// refused because the roster moved on stays, to be made anew.
func (d *Desk) clearEnvelopes(o signedOrder, a *order.Applied) error {
	refused := map[string]order.Reason{}
	for _, r := range a.Done.Refusals {
		if r.List == order.ListEnvelopes {
			refused[r.ID] = r.Reason
		}
	}
	for _, e := range o.order.Envelopes {
		remove := d.dropEnvelope
		switch refused[e.ID] {
		case order.ReasonEpoch, order.ReasonRecipients:
			continue
		case "", order.ReasonRenewed:
			remove = d.keepTaken
		}
		if err := remove(queuedEnvelope{e.ID, e.Epoch, e.SHA256}); err != nil {
			return err
		}
	}
	return nil
}

// openQueued gives an envelope to a return parcel that is written.
func (d *Desk) openQueued(e *order.Envelope) (*bytes.Reader, error) {
	envelope, err := d.queuedEnvelope(queuedEnvelope{e.ID, e.Epoch, e.SHA256})
	return bytes.NewReader(envelope), err
}
