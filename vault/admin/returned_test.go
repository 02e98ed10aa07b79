package admin_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"sourdine/vault/admin"
	"sourdine/vault/order"
)

// A stalled upload gives what it has, and then nothing until it is stopped.
type stalled struct {
	head    io.Reader
	reached func() // its end
	stop    <-chan struct{}
}

func (s *stalled) Read(b []byte) (int, error) {
	if n, _ := s.head.Read(b); n > 0 {
		return n, nil
	}
	s.reached()
	<-s.stop
	return 0, io.ErrUnexpectedEOF
}

// stalls brings the beginning of a parcel several times at once, and leaves them
// standing still until the test ends.
func (d *desk) stalls(p []byte, times int) {
	d.t.Helper()
	stop := make(chan struct{})
	var ended sync.WaitGroup
	for range times {
		ended.Go(func() {
			_, _ = d.local.ApplyParcel(ctx, &stalled{bytes.NewReader(p), func() {}, stop})
		})
	}
	d.t.Cleanup(func() { close(stop); ended.Wait() })
	time.Sleep(200 * time.Millisecond) // some may wait for others, and never read
}

// large is an order with more files than two of it may be in memory.
func (d *desk) large(mailbox string) []byte {
	o, files := d.next(), map[string][]byte{}
	for range 70 {
		reply(o, mailbox, bytes.Repeat([]byte{0xC1}, 1<<20-1), files)
	}
	return d.pack(o, files)
}

// Whoever brings an old parcel again holds up nobody: it is answered before its
// files are read.
func TestReplaysHoldUpNobody(t *testing.T) {
	alice, bob := newDesks(t)
	_, name := alice.mailbox(1)
	old := alice.large(name)
	if _, err := alice.local.ApplyParcel(ctx, bytes.NewReader(old)); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	close(stop)
	answer := func() (admin.Receipt, error) {
		return alice.local.ApplyParcel(ctx, &stalled{bytes.NewReader(old[:100<<10]), func() { t.Error("its files were read") }, stop})
	}
	if receipt, err := answer(); err != nil || !receipt.Again || receipt.Note.Sequence != 1 {
		t.Errorf("the last one: %+v, %v", receipt, err)
	}
	alice.apply(alice.next(), nil)
	var sequence *admin.SequenceError
	if _, err := answer(); !errors.As(err, &sequence) || sequence.Got != 1 || sequence.Expected != 3 {
		t.Errorf("an older one: %v", err)
	}
	alice.stalls(old[:100<<10], 5)
	bob.within(bob.pack(bob.next(), nil))
}

// within brings a parcel that must be taken soon.
func (d *desk) within(p []byte) {
	d.t.Helper()
	soon, end := context.WithTimeout(ctx, 5*time.Second)
	defer end()
	if _, err := d.local.ApplyParcel(soon, bytes.NewReader(p)); err != nil {
		d.t.Error(err)
	}
}

// Large parcels that do not get on, one of them waiting for memory, do not keep a
// small one from its turn.
func TestSmallDoesNotWaitForLarge(t *testing.T) {
	alice, bob := newDesks(t)
	_, name := alice.mailbox(1)
	alice.stalls(alice.large(name)[:100<<10], 5)
	bob.within(bob.pack(bob.next(), nil))
}

// A changing reader does something on its way.
type changing struct {
	r  io.Reader
	at int // after so many bytes
	do func()
}

func (c *changing) Read(b []byte) (int, error) {
	n, err := c.r.Read(b[:min(len(b), 512)])
	if c.at -= n; c.at <= 0 && c.do != nil {
		c.do()
		c.do = nil
	}
	return n, err
}

// Who is removed from all rosters while the parcel arrives is nobody here any more:
// nothing of it is done.
func TestRemovedDuringTheUpload(t *testing.T) {
	alice, bob := newDesks(t)
	at, name := alice.mailbox(1)
	id := alice.commit("Paris")
	o, files := bob.next(), map[string][]byte{}
	o.Acknowledged = order.IDs{id}
	reply(o, name, bob.message(), files)
	raw := bob.pack(o, files)
	remove := func() {
		if _, err := alice.local.RemoveReviewer(ctx, "Paris", bob.fingerprint()); err != nil {
			t.Error(err)
		}
	}
	_, err := alice.local.ApplyParcel(ctx, &changing{bytes.NewReader(raw), len(raw) - 1500, remove})
	if !errors.Is(err, admin.ErrStranger) || err.Error() != admin.ErrStranger.Error() {
		t.Error(err)
	}
	if n, err := alice.local.Vault().CountReplies(at); n != 0 || err != nil {
		t.Errorf("%d replies, %v", n, err)
	}
	if acks, err := alice.local.Vault().Acknowledgements(parseID(t, id)); len(acks) != 0 || err != nil {
		t.Errorf("%d acknowledgements, %v", len(acks), err)
	}
}
