//go:build bench

package bench

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"sourdine/deploy/e2e/program"
	"sourdine/journalist-ui/desk"
	"sourdine/vault"
)

// deletion prints what it costs a running server to do what the desk orders:
// to acknowledge, and then to delete, all that is there for the desk.
func (a *archive) deletion(t *testing.T) {
	keys := a.keys(t)
	a.findKeys(t, keys, true)
	a.findTraces(t, true)
	s := program.Serve(t, a.home)
	fmt.Printf("\n%d submissions of %d acknowledged and deleted by a reviewer's order (CPU and memory of the server)\n", forDesk, archived)
	a.order(t, s, fmt.Sprintf("%d submissions acknowledged\n", forDesk))
	parcel := filepath.Join(t.TempDir(), "receipt.tar")
	program.Run(t, 0, "sourdine", "parcel", "export", "--home", a.home, "--reviewer", "Camille", "-o", parcel)
	a.atDesk(t, "import", parcel)

	start := time.Now()
	a.orderDeletions(t)
	fmt.Printf("  %-32s %7.2f s\n", "marking them at the desk", time.Since(start).Seconds())
	a.order(t, s, fmt.Sprintf("%d submissions deleted\n", forDesk))
	fmt.Printf("  %-32s %s\n", "sourdine vault compact", served(t, s, func() {
		program.Run(t, 0, "sourdine", "vault", "compact", "--home", a.home)
	}))
	if n, want := s.Status(t).Submissions, archived-forDesk+a.more; n != want {
		t.Errorf("%d submissions are left, of %d", n, want)
	}
	s.Stop(t)
	a.findKeys(t, keys, false)
	a.findTraces(t, false)
	fmt.Printf("  their wrapping keys are zeros now, in both copies; of %d of their payloads no trace is left in the vault's file\n", len(a.traces))
}

// order makes a return parcel, carries it to the server, and looks for what the
// server says that it did.
func (a *archive) order(t *testing.T, s *program.Server, want string) {
	t.Helper()
	back := filepath.Join(t.TempDir(), "return.tar")
	signed, _ := a.atDesk(t, "return", "-o", back)
	var said string
	applied := served(t, s, func() { said = program.Run(t, 0, "sourdine", "parcel", "apply", "--home", a.home, back) })
	if !strings.Contains(said, want) {
		t.Fatalf("the server did not do what was ordered: %s", said)
	}
	fmt.Printf("  %-32s %s\n", "sourdine-desk return", signed)
	fmt.Printf("  %-32s %s; %.0f/s\n", "sourdine parcel apply", applied, forDesk/applied.wall.Seconds())
}

// orderDeletions does what a reviewer does on the desk's pages, one by one.
func (a *archive) orderDeletions(t *testing.T) {
	t.Helper()
	passphrase, err := os.ReadFile(a.password)
	if err != nil {
		t.Fatal(err)
	}
	d, err := desk.Open(t.Context(), a.desk, bytes.TrimSpace(passphrase))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, id := range a.mine {
		if err := d.OrderDeletion(t.Context(), id.String()); err != nil {
			t.Fatal(err)
		}
	}
}

// A wrappingKey is in a slot of vault.slots (vault/slots/FORMAT.md, section 1).
type wrappingKey struct {
	slot uint32
	key  []byte
}

const (
	slotPage = 4 * kib
	slotSize = 64
	keySize  = 32
)

// place is where in the file the slot's first copy is. The second is a page
// behind it.
func (k wrappingKey) place() int64 {
	const perPage = slotPage / slotSize
	return 2*slotPage*(1+int64(k.slot/perPage)) + int64(k.slot%perPage)*slotSize
}

// keys reads the keys that wrap the envelopes of what is for the desk. The vault
// must be closed.
func (a *archive) keys(t *testing.T) (keys []wrappingKey) {
	t.Helper()
	slots, err := os.ReadFile(filepath.Join(a.home, "vault.slots"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := bolt.Open(filepath.Join(a.home, "vault.db"), 0o600, &bolt.Options{ReadOnly: true, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.View(func(tx *bolt.Tx) error {
		for _, id := range a.mine {
			k := wrappingKey{slot: slotOf(tx, id)}
			k.key = slots[k.place() : k.place()+keySize]
			keys = append(keys, k)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// slotOf is what a wrapped envelope begins with (vault/FORMAT.md, section 2.3).
func slotOf(tx *bolt.Tx, id vault.ID) uint32 {
	return binary.BigEndian.Uint32(tx.Bucket([]byte("envelopes")).Get(id[:]))
}

// findKeys checks that all keys are in their slots, in both copies, or that their
// slots are empty and no key is elsewhere in the file: they lie at multiples of
// their own size.
func (a *archive) findKeys(t *testing.T, keys []wrappingKey, want bool) {
	t.Helper()
	slots, err := os.ReadFile(filepath.Join(a.home, "vault.slots"))
	if err != nil {
		t.Fatal(err)
	}
	gone := map[[keySize]byte]bool{}
	for _, k := range keys {
		for _, at := range []int64{k.place(), k.place() + slotPage} {
			found := slots[at : at+slotSize]
			switch {
			case want && !bytes.Equal(found[:keySize], k.key):
				t.Fatalf("slot %d does not hold its key", k.slot)
			case !want && !bytes.Equal(found, make([]byte, slotSize)):
				t.Fatalf("slot %d is not empty", k.slot)
			}
		}
		gone[[keySize]byte(k.key)] = !want
	}
	for at := 0; at+keySize <= len(slots); at += keySize {
		if gone[[keySize]byte(slots[at:])] {
			t.Fatalf("a deleted submission's key is still at byte %d of the slots", at)
		}
	}
}

// findTraces checks whether the traces are in the vault's file.
func (a *archive) findTraces(t *testing.T, want bool) {
	t.Helper()
	f, err := os.Open(filepath.Join(a.home, "vault.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	found := make([]bool, len(a.traces))
	block, kept := make([]byte, 16*mib), 0
	for err == nil {
		var n int
		n, err = io.ReadFull(f, block[kept:])
		for i, trace := range a.traces {
			found[i] = found[i] || bytes.Contains(block[:kept+n], trace)
		}
		kept = copy(block, block[max(0, kept+n-traceSize):kept+n]) // one may lie across
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatal(err)
	}
	for i := range found {
		if found[i] != want {
			t.Errorf("trace %d of a payload: found %v", i, found[i])
		}
	}
}

// served measures what the server does meanwhile.
func served(t *testing.T, s *program.Server, do func()) (c cost) {
	t.Helper()
	before := s.Usage(t)
	ended, looked := make(chan error, 1), make(chan struct{})
	start := time.Now()
	go func() {
		defer close(looked)
		_ = c.watch(s.PID(), ended)
	}()
	defer func() { // also when do ends the test
		ended <- nil
		<-looked
		c.wall = time.Since(start)
		c.cpu = s.Usage(t).CPU - before.CPU
	}()
	do()
	return c
}
