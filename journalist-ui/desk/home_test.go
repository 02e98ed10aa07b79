package desk_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/desk/desktest"
)

func openNew(t *testing.T) (*desk.Desk, string) {
	t.Helper()
	home := desktest.NewHome(t)
	return desktest.Open(t, home), home
}

func read(d *desk.Desk, id string, n int) ([]byte, error) {
	_, r, err := d.Item(ctx, id, n)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(r)
	return b, errors.Join(err, r.Close())
}

func TestOpenRefuses(t *testing.T) {
	if _, err := desk.Open(ctx, t.TempDir(), passphrase); !errors.Is(err, desk.ErrNoHome) {
		t.Errorf("an empty folder: %v", err)
	}
	if _, err := desk.Open(ctx, filepath.Join(t.TempDir(), "nothing"), passphrase); !errors.Is(err, desk.ErrNoHome) {
		t.Errorf("no folder: %v", err)
	}
	home := desktest.NewHome(t)
	for _, wrong := range []string{"", "x", desktest.Passphrase + " ", strings.Repeat("a", 1<<20)} {
		if _, err := desk.Open(ctx, home, []byte(wrong)); !errors.Is(err, desk.ErrPassphrase) {
			t.Errorf("passphrase %.30q: %v", wrong, err)
		}
	}
}

func TestOpenWithoutCasebook(t *testing.T) {
	home := desktest.NewHome(t)
	if err := os.Remove(filepath.Join(home, "casebook.db")); err != nil {
		t.Fatal(err)
	}
	if d, err := desk.Open(ctx, home, passphrase); err == nil || d != nil {
		t.Errorf("got %v, %v", d, err)
	}
}

// A damaged file is not taken for a wrong passphrase, and none opens.
func TestOpenDamaged(t *testing.T) {
	for _, name := range []string{"desk.json", "key.asc", "client-key.pgp", "casebook-key.pgp"} {
		for what, damage := range map[string]func([]byte) []byte{
			"empty":   func([]byte) []byte { return nil },
			"cut":     func(b []byte) []byte { return b[:len(b)/2] },
			"altered": func(b []byte) []byte { b = bytes.Clone(b); b[len(b)/2] ^= 1; return b },
			"huge":    func([]byte) []byte { return make([]byte, 2<<20) },
		} {
			home := desktest.NewHome(t)
			path := filepath.Join(home, name)
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, damage(raw), 0o600); err != nil {
				t.Fatal(err)
			}
			d, err := desk.Open(ctx, home, passphrase)
			if err == nil {
				_, err = d.ClientKey() // the only file that Open does not need
				d.Close()
			}
			if err == nil || errors.Is(err, desk.ErrPassphrase) || strings.Contains(err.Error(), "\ufffd") {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
	}
}

// The same words typed where accents are letters of their own.
func TestPassphraseIsNormalized(t *testing.T) {
	spelled := strings.ReplaceAll(desktest.Passphrase, "é", "e\u0301")
	if spelled == desktest.Passphrase {
		t.Fatal("the passphrase has no accent")
	}
	d, err := desk.Open(ctx, desktest.NewHome(t), []byte(spelled))
	if err != nil {
		t.Fatal(err)
	}
	d.Close()
}

func TestPin(t *testing.T) {
	d := desktest.New(t)
	one, two := desktest.NewVault(t), desktest.NewVault(t)
	_, foreign, err := note.GenerateKey(rand.Reader, "elsewhere") // no parcel could name it
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "x", one.Key[:20], one.Key + "\nx", strings.Repeat("a", 1000), foreign} {
		if err := d.Pin(bad); err == nil {
			t.Errorf("%.20q was pinned", bad)
		}
	}
	if key, err := d.VaultKey(); key != "" || err != nil {
		t.Errorf("before: %q, %v", key, err)
	}
	for range 2 {
		if err := d.Pin(" " + one.Key + "\n"); err != nil {
			t.Error(err)
		}
	}
	if err := d.Pin(two.Key); !errors.Is(err, desk.ErrOtherVault) {
		t.Errorf("another key: %v", err)
	}
	if key, err := d.VaultKey(); key != one.Key || err != nil {
		t.Errorf("after: %q, %v", key, err)
	}
}

func BenchmarkOpen(b *testing.B) {
	home := filepath.Join(b.TempDir(), "home")
	if err := desk.Create(ctx, home, "a", passphrase); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		d, err := desk.Open(ctx, home, passphrase)
		if err != nil {
			b.Fatal(err)
		}
		d.Close()
	}
}
