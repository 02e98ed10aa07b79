//go:build crash && linux && amd64

package crash

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"sourdine/deploy/e2e/program"
	"sourdine/vault"
	"sourdine/vault/manifest"
	"sourdine/vault/seal"
	"sourdine/vault/vaulttest"
)

const channel = program.Channel

// A world is a home, and the people around it.
type world struct {
	*ledger
	program string
	home    string
	a, b    reviewer              // B never acknowledges, so parcels for all hold everything
	there   map[string]submission // as the last parcel showed it
	parcels map[string]*returned  // made beforehand, by operation
}

// newWorld makes a home with a channel and two reviewers.
func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{ledger: newLedger(), program: program.Path(t, "sourdine"), home: filepath.Join(newFolder(t), "home"), a: newReviewer(t), b: newReviewer(t)}
	w.must(t, "init")
	w.must(t, "channel", "add", channel)
	for _, r := range []reviewer{w.a, w.b} {
		card := filepath.Join(filepath.Dir(w.home), "card")
		if err := os.WriteFile(card, r.certificate, 0o600); err != nil {
			t.Fatal(err)
		}
		w.must(t, "reviewer", "add", "--channel", channel, card)
	}
	w.channels = []string{channel}
	status, err := w.recover()
	if err != nil {
		t.Fatal(err)
	}
	w.vaultKey = status.VaultKey
	return w
}

func newReviewer(t testing.TB) reviewer {
	key := vaulttest.NewKey(t, vaulttest.X25519)
	return reviewer{key, key.Certificate(t)}
}

// newFolder is a short path: a socket's may have 107 bytes.
func newFolder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "crash-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// must runs a command on the home.
func (w *world) must(t testing.TB, args ...string) {
	t.Helper()
	var errOut bytes.Buffer
	cmd := exec.Command(w.program, append(args, "--home", w.home)...)
	cmd.Stderr = &errOut
	if err := cmd.Run(); err != nil {
		t.Fatalf("%q: %v: %s", args, err, errOut.String())
	}
}

// copyTo makes the same world once more in another folder.
func (w *world) copyTo(dir string) (*world, error) {
	c := *w
	c.ledger, c.home = w.clone(), filepath.Join(dir, "home")
	out, err := exec.Command("cp", "-a", "--sparse=always", "--reflink=auto", w.home, c.home).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	return &c, nil
}

// seed makes a world with submissions old and new, some in the log and some not,
// and one return parcel that was applied.
func seed(t testing.TB) *world {
	t.Helper()
	w := newWorld(t)
	for n := range 4 {
		w.seedOld(t, fmt.Sprintf("old %d", n))
	}
	s := w.serve(t)
	for n := range 10 {
		var file []byte
		if n%2 == 1 {
			file = random(3 << 20 >> (10 * (n % 3 / 2))) // 3 MiB, or 3 KiB
		}
		if err := s.submit(fmt.Sprintf("new %d", n), file); err != nil {
			t.Fatal(err)
		}
	}
	s.stop(t)
	if err := w.verify(); err != nil {
		t.Fatal(err)
	}
	p, err := w.order(orders{acks: []string{"new 0"}, deletions: []string{"new 9"}})
	if err != nil {
		t.Fatal(err)
	}
	w.inFlight = p
	w.end(p.messages, false)
	s = w.serve(t)
	for n := range 2 {
		if err := s.submit(fmt.Sprintf("pending %d", n), random(100)); err != nil {
			t.Fatal(err)
		}
	}
	s.stop(t)
	if err := w.verify(); err != nil {
		t.Fatal(err)
	}
	s = w.serve(t)
	for n := range 2 {
		if err := s.submit(fmt.Sprintf("unseen %d", n), random(100)); err != nil {
			t.Fatal(err)
		}
	}
	s.stop(t)
	if err := errors.Join(w.turnRoster(), w.readKeys()); err != nil {
		t.Fatal(err)
	}
	return w
}

// turnRoster takes reviewer B off the roster and puts them on again: a new envelope
// must be for a later roster than the old one.
func (w *world) turnRoster() error {
	card := filepath.Join(filepath.Dir(w.home), "card")
	return errors.Join(os.WriteFile(card, w.b.certificate, 0o600),
		w.runs("reviewer", "remove", "--home", w.home, "--channel", channel, w.b.fingerprint()),
		w.runs("reviewer", "add", "--home", w.home, "--channel", channel, card))
}

// seedOld puts a submission into the vault as if it had come long ago.
func (w *world) seedOld(t testing.TB, message string) {
	t.Helper()
	a, err := w.open()
	if err != nil {
		t.Fatal(err)
	}
	file := random(2000)
	acked := w.send(message, file)
	err = commitOld(a.Vault(), seal.Roster{w.a.parsed(t), w.b.parsed(t)}, message, file)
	if err := errors.Join(err, a.Close()); err != nil {
		t.Fatal(err)
	}
	acked()
}

func (r reviewer) parsed(t testing.TB) *seal.Certificate {
	t.Helper()
	c, err := seal.ParseCertificate(r.certificate, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func commitOld(v *vault.Vault, roster seal.Roster, message string, file []byte) error {
	m := manifest.Manifest{Message: message, Items: []manifest.Item{{N: 1, Name: "a", Size: int64(len(file)), SHA256: digest(file)}}}
	raw, err := m.Encode()
	if err != nil {
		return err
	}
	sealer, err := seal.New(roster, time.Now())
	if err != nil {
		return err
	}
	ctx := context.Background()
	d := v.NewDraft()
	defer d.Discard()
	for n, plain := range [][]byte{raw, file} {
		payload, err := d.Item(ctx, n)
		if err != nil {
			return err
		}
		item, err := sealer.Item(payload)
		if err != nil {
			return err
		}
		_, err = item.Write(plain)
		if err := errors.Join(err, item.Close(), payload.Close()); err != nil {
			return err
		}
	}
	_, err = d.Commit(ctx, vault.Commitment{Channel: channel, Day: time.Now().UTC().AddDate(0, 0, -9).Format(time.DateOnly), Epoch: 2, Envelope: sealer.Envelope()})
	return err
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = io.ReadFull(rand.Reader, b)
	return b
}
