//go:build crash && linux && amd64

package crash

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"sourdine/vault"
	"sourdine/vault/admin"
	"sourdine/vault/manifest"
	"sourdine/vault/parcel"
	"sourdine/vault/translog"
	"sourdine/vault/vaulttest"
)

// A submission is one out of a parcel, opened.
type submission struct {
	id     vault.ID
	digest string // of its file, "" without one
	items  int
	mail   []byte // its mailbox's certificate
}

// verify starts the server's program on a home that was left behind, and checks
// everything that the ledger may demand.
func (w *world) verify() error {
	status, err := w.recover()
	if err != nil {
		return err
	}
	if status.Drafts != 0 || status.Upgraded != "" {
		return fmt.Errorf("after recovery there are %d drafts, %q", status.Drafts, status.Upgraded)
	}
	if err := w.checkFiles(); err != nil {
		return fmt.Errorf("after recovery: %w", err)
	}
	if err := w.checkDesk(); err != nil {
		return err
	}
	if err := w.checkParcel(); err != nil {
		return err
	}
	if err := w.checkFiles(); err != nil {
		return fmt.Errorf("after a parcel: %w", err)
	}
	return w.checkKeys()
}

// recover is what the admin sees of a home that is not served.
func (w *world) recover() (s admin.Status, err error) {
	for range 2 { // the first time may tell of an upgrade
		var errOut bytes.Buffer
		cmd := exec.Command(w.program, "status", "--home", w.home, "--json")
		cmd.Stderr = &errOut
		out, err := cmd.Output()
		if err != nil {
			return s, fmt.Errorf("status after the fault: %w: %s", err, errOut.String())
		}
		s = admin.Status{}
		if err := json.Unmarshal(out, &s); err != nil {
			return s, err
		}
	}
	for _, name := range w.channels {
		if !slices.ContainsFunc(s.Channels, func(c admin.Channel) bool { return c.Name == name }) {
			return s, fmt.Errorf("channel %q is gone", name)
		}
	}
	return s, nil
}

func (w *world) vaultPath() string { return filepath.Join(w.home, "vault.db") }

func (w *world) checkFiles() error {
	if err := patiently(func() error { return vaulttest.Check(w.vaultPath()) }); err != nil {
		return fmt.Errorf("the vault is damaged: %w", err)
	}
	entries, err := os.ReadDir(w.home)
	if err != nil {
		return err
	}
	known := []string{"onion", "run", "tor", "vault.db", "vault.key", "vault.slots", "vault.v1.db"}
	for _, e := range entries {
		if !slices.Contains(known, e.Name()) {
			return fmt.Errorf("%s is left in the home", e.Name())
		}
	}
	return nil
}

// open opens the vault in this process, as a command does when nobody serves it.
func (w *world) open() (*admin.Local, error) {
	home, err := admin.OpenHome(w.home)
	if err != nil {
		return nil, err
	}
	var a *admin.Local
	err = patiently(func() (err error) {
		a, err = admin.Open(home)
		return err
	})
	return a, err
}

// patiently tries again while files are locked: a program that another test is
// just starting holds, between fork and exec, the locks that this process had.
func patiently(open func() error) error {
	for deadline := time.Now().Add(2 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		err := open()
		locked := err != nil && (strings.Contains(err.Error(), "in use") || errors.Is(err, bolterrors.ErrTimeout))
		if !locked || time.Now().After(deadline) {
			return err
		}
	}
}

// checkDesk finds out what became of a return parcel that nobody answered, and
// applies it again: whatever happened before, it must count once.
func (w *world) checkDesk() (err error) {
	a, err := w.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	desk, _, err := a.Vault().Desk(w.a.fingerprint())
	if err != nil {
		return err
	}
	flight := w.inFlight
	switch {
	case desk.Sequence == w.sequence:
	case flight != nil && desk.Sequence == flight.sequence:
	default:
		return fmt.Errorf("the desk's sequence is %d, of %d confirmed", desk.Sequence, w.sequence)
	}
	if flight == nil {
		return nil
	}
	applied := desk.Sequence == flight.sequence
	if err := flight.compare(a.Vault(), applied); err != nil {
		return fmt.Errorf("a return parcel that was not answered (applied: %v): %w", applied, err)
	}
	receipt, err := a.ApplyParcel(context.Background(), bytes.NewReader(flight.tar))
	if err != nil || receipt.Again != applied || receipt.Note.Done.Refused != 0 {
		return fmt.Errorf("the same return parcel again (applied: %v): %+v, %v", applied, receipt, err)
	}
	if err := flight.compare(a.Vault(), true); err != nil {
		return fmt.Errorf("a return parcel that was applied: %w", err)
	}
	w.confirm(flight)
	return nil
}

// checkParcel exports everything, opens everything, and compares.
func (w *world) checkParcel() (err error) {
	a, err := w.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	var tar bytes.Buffer
	rest, err := a.ExportParcel(context.Background(), &tar, admin.Export{})
	if err != nil || rest.Count != 0 {
		return fmt.Errorf("a parcel of everything left %d: %v", rest.Count, err)
	}
	return w.read(&tar)
}

// read opens a parcel and compares it with the ledger.
func (w *world) read(tar io.Reader) error {
	r, err := parcel.Open(tar, w.trust)
	if err != nil {
		return err
	}
	there := map[string]submission{}
	var b box
	for {
		f, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		var content []byte
		if err == nil {
			content, err = io.ReadAll(r)
		}
		if err == nil {
			err = w.unpack(&b, f, content)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		if s := f.Submission; !f.IsLog() && !f.IsEnvelope && f.Item == len(s.Payloads)-1 {
			there[b.message] = b.now
		}
	}
	w.there = there
	return errors.Join(w.compare(there), w.grow(b.leaves, b.head))
}

func (w *world) trust(vaultKey string) error {
	if vaultKey != w.vaultKey {
		return errors.New("the vault's key has changed")
	}
	return nil
}

// A box is what a parcel shows, as it is unpacked.
type box struct {
	envelope []byte
	message  string
	said     []manifest.Item
	now      submission
	leaves   [][]byte
	head     translog.Checkpoint
}

func (w *world) unpack(b *box, f parcel.File, content []byte) (err error) {
	switch {
	case f.Name == "checkpoint":
		b.head, err = translog.OpenCheckpoint(content, w.vaultKey)
		return err
	case f.Name == "leaves.jsonl":
		b.leaves = bytes.Split(bytes.TrimSuffix(content, []byte("\n")), []byte("\n"))
		return nil
	case f.IsLog():
		return nil
	case f.IsEnvelope:
		b.envelope = content
		return nil
	}
	plain, err := w.a.Open(b.envelope, bytes.NewReader(content))
	if err != nil {
		return err
	}
	if f.Item > 0 {
		if b.now.digest = digest(plain); f.Item > len(b.said) || b.said[f.Item-1].SHA256 != b.now.digest {
			return errors.New("it is not what the manifest says")
		}
		return nil
	}
	m, err := manifest.Parse(bytes.NewReader(plain))
	if err != nil {
		return err
	}
	id, err := vault.ParseID(f.Submission.ID)
	b.message, b.said, b.now = m.Message, m.Items, submission{id: id, items: len(m.Items), mail: m.Mailbox}
	if err == nil && len(m.Items) != len(f.Submission.Payloads)-1 {
		err = errors.New("the manifest names other items than there are")
	}
	return err
}

// readKeys notes which wrapping keys submissions have now.
func (w *world) readKeys() error {
	now, raw, err := w.slotsNow()
	if err != nil {
		return err
	}
	for slot, id := range now {
		at := 8192 + int(slot/64)*8192 + int(slot%64)*64 // vault/slots/FORMAT.md, section 1
		key := slotKey{id, slot, bytes.Clone(raw[at : at+32])}
		known := func(k slotKey) bool { return k.id == id && bytes.Equal(k.key, key.key) }
		if !slices.ContainsFunc(w.keys, known) {
			w.keys = append(w.keys, key)
		}
	}
	return nil
}

// slotsNow returns whose each used slot is, and the slots file.
func (w *world) slotsNow() (now map[uint32]vault.ID, raw []byte, err error) {
	db, err := bolt.Open(w.vaultPath(), 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		return nil, nil, err
	}
	now = map[uint32]vault.ID{}
	err = db.View(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte("slots")).ForEach(func(k, stored []byte) error {
			now[binary.BigEndian.Uint32(k)] = vault.ID(stored)
			return nil
		})
	})
	raw, readErr := os.ReadFile(filepath.Join(w.home, "vault.slots"))
	return now, raw, errors.Join(err, readErr, db.Close())
}

// checkKeys finds keys in the slots file that no submission has any more.
func (w *world) checkKeys() error {
	now, raw, err := w.slotsNow()
	if err != nil {
		return err
	}
	for _, k := range w.keys {
		if id, used := now[k.slot]; used && id == k.id {
			continue
		}
		if at := bytes.Index(raw, k.key); at >= 0 {
			return fmt.Errorf("the wrapping key %s… of %s is still at byte %d of the slots file", hex.EncodeToString(k.key[:4]), k.id, at)
		}
	}
	return w.readKeys()
}
