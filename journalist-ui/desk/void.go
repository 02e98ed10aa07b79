package desk

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"sourdine/journalist-ui/witness"
	"sourdine/vault/order"
)

// ErrUnheard: the log says that the server was restored, and no parcel has told yet
// which return parcels of this desk it still knows. What is signed before that could
// keep what it lost from being said again.
var ErrUnheard = errors.New("the server was restored from a backup, and has not said yet what it still knows of this desk: import a parcel that is for you, or for everybody")

// A server that was restored from a backup has forgotten the return parcels that
// came after it (FORMAT.md, section 12), whether its log shows that or not:
// acknowledgements, replies and new envelopes leave nothing there.
//
//	returns/restored-N.json   what it remembers; N counts from 1
const (
	cutForm = "restored-%d.json"
	maxCut  = 4 << 10 // bytes
)

// A cut says which return parcels became void, because the server does not know
// of them any more: those after Last, up to Used.
type cut struct {
	Restored string `json:"restored"` // SHA-256 of the restoration's leaf, which is in the desk's log
	Last     uint64 `json:"last"`     // sequence of the server's last receipt since; 0: none
	Used     uint64 `json:"used"`     // last sequence that this desk had used
}

// writeCut adds one to those of a history. It counts from that instant on.
func (d *Desk) writeCut(h *history, c cut) error {
	raw, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("failed to encode which return parcels are void: %w", err)
	}
	folder := d.path(returnsName)
	if err := makeFolders(d.home, folder); err != nil {
		return err
	}
	return writeFile(folder, fmt.Sprintf(cutForm, len(h.cuts)+1), append(raw, '\n'))
}

// cuts reads them, in the order in which they were made.
func (d *Desk) cuts() (all []cut, err error) {
	for {
		name := fmt.Sprintf(cutForm, len(all)+1)
		raw, err := readFile(filepath.Join(d.path(returnsName), name), maxCut)
		if errors.Is(err, fs.ErrNotExist) {
			return all, nil
		}
		c := cut{}
		if err == nil {
			err = json.Unmarshal(raw, &c)
		}
		if err != nil || c.Restored == "" {
			return nil, fmt.Errorf("the home's %s/%s is damaged: restore it from a copy", returnsName, name)
		}
		all = append(all, c)
	}
}

// A span is of sequences, both ends in it.
type span struct{ from, to uint64 }

// voidSpans follows the cuts in their order. A server that was restored once more,
// from a backup of before the first time, may remember what it had forgotten.
func voidSpans(cuts []cut) []span {
	var spans []span
	for _, c := range cuts {
		if isIn(spans, c.Last) {
			for i := range spans {
				spans[i].from = max(spans[i].from, c.Last+1)
			}
		}
		spans = append(spans, span{c.Last + 1, c.Used})
	}
	return spans
}

func isIn(spans []span, sequence uint64) bool {
	return slices.ContainsFunc(spans, func(s span) bool { return s.from <= sequence && sequence <= s.to })
}

// setAside takes what is void out of the orders and receipts.
func (h *history) setAside(cuts []cut) {
	void := voidSpans(cuts)
	h.cuts = cuts
	isVoid := func(o signedOrder) bool { return isIn(void, o.Sequence) }
	for _, o := range h.orders {
		if isVoid(o) {
			h.void = append(h.void, o)
		}
	}
	h.orders = slices.DeleteFunc(h.orders, isVoid)
	h.receipts = slices.DeleteFunc(h.receipts, func(a order.Applied) bool { return isIn(void, a.Sequence) })
	for _, c := range cuts {
		h.last = max(h.last, c.Used)
	}
}

// unheard tells whether the log's last restoration has no cut yet.
func (h *history) unheard(log *witness.Book) (restoration string, unheard bool) {
	restoration, ok := log.LastRestored()
	return restoration, ok && !slices.ContainsFunc(h.cuts, func(c cut) bool { return c.Restored == restoration })
}

// checkHeard returns [ErrUnheard] while nothing may be signed.
func (d *Desk) checkHeard(h *history) error {
	err := d.withLog(func(log *witness.Book) error {
		if _, unheard := h.unheard(log); unheard {
			return ErrUnheard
		}
		return nil
	})
	if errors.Is(err, ErrNoVault) {
		return nil
	}
	return err
}

// hear takes what the server remembers of this desk: its last receipt, or nil when
// it has none, of a parcel that is for this reviewer and whose log is the desk's by
// now. After a restoration what it does not know is void, and goes again: what waits
// in no outbox any more is put there before, so that a kill loses nothing. It
// returns the ids of submissions whose deletion is ordered again.
func (d *Desk) hear(log *witness.Book, f *Findings, answered *order.Applied) ([]string, error) {
	h, err := d.history()
	if err != nil {
		return nil, err
	}
	restoration, unheard := h.unheard(log)
	if !unheard {
		return nil, d.vouch(h, answered)
	}
	c := cut{Restored: restoration, Used: h.last}
	if answered != nil {
		c.Last = answered.Sequence
	}
	again, err := d.queueAgain(h, log, c)
	if err != nil {
		return nil, err
	}
	if len(again) > 0 {
		f.Again = slices.Compact(slices.Sorted(slices.Values(slices.Concat(f.Again, again))))
		if err := d.keepFindings(f); err != nil {
			return nil, err
		}
	}
	return again, d.writeCut(h, c)
}

// vouch lets an order count again of which a restored server says that it did
// apply it: it may have come a second time, by another way.
func (d *Desk) vouch(h *history, a *order.Applied) error {
	if a == nil || len(h.cuts) == 0 {
		return nil
	}
	c := h.cuts[len(h.cuts)-1]
	known := slices.ContainsFunc(h.void, func(o signedOrder) bool { return o.Sequence == a.Sequence && o.digest() == a.Order })
	if !known || a.Sequence <= c.Last {
		return nil
	}
	c.Last = a.Sequence
	if err := d.writeCut(h, c); err != nil {
		return err
	}
	return d.clearOutbox(a, true)
}

// queueAgain puts into the outbox again what the server had done by orders that a
// cut makes void. What it had not answered waits there still; acknowledgements,
// opened marks and replies are not kept there.
func (d *Desk) queueAgain(h *history, log *witness.Book, c cut) (deletions []string, err error) {
	void := voidSpans(append(slices.Clone(h.cuts), c))
	for _, o := range h.orders {
		receipt, answered := h.receiptOf(o)
		if !answered || !isIn(void, o.Sequence) {
			continue
		}
		again, err := d.deleteAgain(log, o, receipt)
		if err != nil {
			return nil, err
		}
		deletions = append(deletions, again...)
		if err := d.queueEnvelopesAgain(o); err != nil {
			return nil, err
		}
	}
	return deletions, nil
}

// deleteAgain queues the deletions that the server's log does not have: what was
// deleted must be gone. It returns their ids.
func (d *Desk) deleteAgain(log *witness.Book, o signedOrder, receipt order.Applied) (again []string, err error) {
	for _, x := range o.deletions {
		_, _, here := log.Submission(x.ID)
		_, _, deleted := log.Deletion(x.ID)
		refused := slices.ContainsFunc(receipt.Done.Refusals, func(r order.Refusal) bool { return r.List == order.ListDeletions && r.ID == x.ID })
		if !here || deleted || refused {
			continue
		}
		if err := d.drop(d.deletionsFolder(), x.ID, []byte(x.Channel)); err != nil {
			return nil, err
		}
		again = append(again, x.ID)
	}
	return again, nil
}
