package desk_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/desk/desktest"
	"sourdine/vault/card"
	"sourdine/vault/clientkey"
	"sourdine/vault/seal"
)

var (
	ctx        = context.Background()
	passphrase = []byte(desktest.Passphrase)
)

func TestCreate(t *testing.T) {
	home := filepath.Join(t.TempDir(), "a", "b")
	if err := desk.Create(ctx, home, "Élise (Nice) <3", passphrase); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(home, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		want := fs.FileMode(0o600)
		if e.IsDir() {
			want = 0o700 | fs.ModeDir
		}
		if err == nil && info.Mode() != want {
			t.Errorf("%s has mode %v", e.Name(), info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	d, err := desk.Open(ctx, home, passphrase)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	checkCard(t, d, home)
	if d.Name() != "Élise (Nice) <3" {
		t.Errorf("Name = %q", d.Name())
	}
}

// checkCard: what the admin's side makes of a new card.
func checkCard(t *testing.T, d *desk.Desk, home string) {
	t.Helper()
	raw, err := desk.Card(home)
	if err != nil {
		t.Fatal(err)
	}
	c, err := card.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := seal.ParseCertificate([]byte(c.Certificate), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	losses, err := seal.Roster{certificate}.Losses(time.Now())
	if err != nil || len(losses) > 0 || certificate.Version() != 6 {
		t.Errorf("version %d, losses %v, %v", certificate.Version(), losses, err)
	}
	created := certificateTime(t, c.Certificate)
	if age := time.Since(created); age < 24*time.Hour || age > 49*time.Hour || created.UTC().Format(time.TimeOnly) != "00:00:00" {
		t.Errorf("the key says that it was made at %v", created)
	}
	if strings.Contains(c.Certificate, "Élise") {
		t.Error("the certificate carries the reviewer's name")
	}
	public, err := clientkey.ParsePublic(c.ClientKey)
	if err != nil {
		t.Fatal(err)
	}
	private, err := d.ClientKey()
	if err != nil || !private.Public().Equal(public) || d.Fingerprint() != certificate.Fingerprint() {
		t.Errorf("the card is not this desk's: %v", err)
	}
}

func certificateTime(t *testing.T, certificate string) time.Time {
	t.Helper()
	ring, err := openpgp.ReadArmoredKeyRing(strings.NewReader(certificate))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := ring[0].LatestValidDirectSignature(time.Now(), nil)
	if err != nil || !signed.CreationTime.Equal(ring[0].PrimaryKey.CreationTime) {
		t.Fatalf("signed %v, %v", signed, err)
	}
	for _, sub := range ring[0].Subkeys {
		if !sub.PublicKey.CreationTime.Equal(ring[0].PrimaryKey.CreationTime) {
			t.Errorf("a subkey of %v", sub.PublicKey.CreationTime)
		}
	}
	return ring[0].PrimaryKey.CreationTime
}

// The card of another reviewer, or one with a private key, is not given out.
func TestForeignCard(t *testing.T) {
	home, other := desktest.NewHome(t), filepath.Join(t.TempDir(), "other")
	if err := desk.Create(ctx, other, "a", passphrase); err != nil {
		t.Fatal(err)
	}
	foreign, err := desk.Card(other)
	if err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(filepath.Join(home, "key.asc"))
	if err != nil {
		t.Fatal(err)
	}
	private, err := card.Card{Name: "a", Certificate: string(key)}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for what, bad := range map[string][]byte{"another's": foreign, "a private key": private, "no certificate": []byte("not a card")} {
		if err := os.WriteFile(filepath.Join(home, "card.json"), bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if raw, err := desk.Card(home); err == nil || len(raw) > 0 {
			t.Errorf("%s: %d bytes, %v", what, len(raw), err)
		}
	}
}

func TestNoSecretInTheClear(t *testing.T) {
	d, home := openNew(t)
	client, err := d.ClientKey()
	if err != nil {
		t.Fatal(err)
	}
	v := desktest.NewVault(t)
	const canary = "ceci ne doit se lire nulle part"
	id := v.Submit(desktest.Certificate(t, home), canary, desktest.File{Name: canary, Type: "text/plain", Data: []byte(canary)})
	if _, err := d.Import(ctx, bytes.NewReader(v.Parcel())); err != nil {
		t.Fatal(err)
	}
	if _, err := read(d, id, 1); err != nil {
		t.Fatal(err)
	}
	searched := 0
	err = filepath.WalkDir(home, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		searched++
		raw, err := os.ReadFile(path)
		for _, secret := range []string{canary, client.Encode(), desktest.Passphrase} {
			if bytes.Contains(raw, []byte(secret)) {
				t.Errorf("%s holds %q", e.Name(), secret)
			}
		}
		return err
	})
	if err != nil || searched < 9 {
		t.Errorf("searched %d files, %v", searched, err)
	}
}

func TestCreateRefuses(t *testing.T) {
	home := desktest.NewHome(t)
	if err := desk.Create(ctx, home, "a", passphrase); !errors.Is(err, desk.ErrExists) {
		t.Errorf("over a home: %v", err)
	}
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := desk.Create(ctx, full, "a", passphrase); !errors.Is(err, desk.ErrExists) {
		t.Errorf("over another folder: %v", err)
	}
	if err := desk.Create(ctx, filepath.Join(full, "x"), "a", passphrase); err == nil {
		t.Error("over a file")
	}
	if err := desk.Create(ctx, filepath.Join(full, "x", "y"), "a", passphrase); err == nil {
		t.Error("below a file")
	}
	for _, bad := range []string{"", "court", "onze lettre", "douze\x00lettres", "douze\nlettres", "\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf7\xf6\xf5\xf4", strings.Repeat("a", 1025), "e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301"} {
		target := filepath.Join(t.TempDir(), "new")
		if err := desk.Create(ctx, target, "a", []byte(bad)); !errors.Is(err, desk.ErrWeakPassphrase) {
			t.Errorf("passphrase %.20q: %v", bad, err)
		}
		if _, err := os.Lstat(target); err == nil {
			t.Errorf("passphrase %.20q left a folder", bad)
		}
	}
	for _, bad := range []string{"", " a", "a\nb", "\u202e", strings.Repeat("a", 65)} {
		target := filepath.Join(t.TempDir(), "new")
		if err := desk.Create(ctx, target, bad, passphrase); err == nil {
			t.Errorf("name %.20q was taken", bad)
		}
		if _, err := os.Lstat(target); err == nil {
			t.Errorf("name %.20q left a folder", bad)
		}
	}
}

// A home whose creation stopped after any of its files is no home, and is named
// for what it is.
func TestInterruptedCreate(t *testing.T) {
	whole := desktest.NewHome(t)
	entries, err := os.ReadDir(whole)
	if err != nil {
		t.Fatal(err)
	}
	for n := range entries {
		home := filepath.Join(t.TempDir(), "home")
		if err := os.Mkdir(home, 0o700); err != nil {
			t.Fatal(err)
		}
		names := map[string]bool{"import.lock": true}
		for _, e := range entries[:n] {
			names[e.Name()] = e.Name() != "desk.json"
		}
		for name, there := range names {
			raw, err := os.ReadFile(filepath.Join(whole, name))
			if there && err == nil {
				err = os.WriteFile(filepath.Join(home, name), raw, 0o600)
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		if _, err := desk.Open(ctx, home, passphrase); !errors.Is(err, desk.ErrNoHome) {
			t.Errorf("after %d files: Open says %v", n, err)
		}
		if _, err := desk.Card(home); !errors.Is(err, desk.ErrNoHome) {
			t.Errorf("after %d files: Card says %v", n, err)
		}
		err := desk.Create(ctx, home, "a", passphrase)
		if !errors.Is(err, desk.ErrExists) || !strings.Contains(err.Error(), "interrupted") {
			t.Errorf("after %d files: Create says %v", n, err)
		}
	}
}

func TestFailedCreateLeavesNothing(t *testing.T) {
	cancelled, cancel := context.WithCancel(ctx)
	cancel() // the casebook, made last but one, notices
	home := filepath.Join(t.TempDir(), "home")
	if err := desk.Create(cancelled, home, "a", passphrase); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if _, err := os.Lstat(home); err == nil {
		t.Error("the folder is still there")
	}
	if err := os.Mkdir(home, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := desk.Create(cancelled, home, "a", passphrase); !errors.Is(err, context.Canceled) {
		t.Fatalf("in an empty folder: %v", err)
	}
	if entries, err := os.ReadDir(home); err != nil || len(entries) > 0 {
		t.Errorf("in an empty folder: %v, %v", entries, err)
	}
}

// What someone puts into the folder while the keys are made is never removed.
func TestCreateTakesNothingAway(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	if err := os.Mkdir(home, 0o755); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- desk.Create(ctx, home, "a", passphrase) }()
	time.Sleep(20 * time.Millisecond) // it has looked into the folder, and makes keys
	thesis := filepath.Join(home, "thesis.odt")
	if err := os.WriteFile(thesis, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, desk.ErrExists) {
		t.Errorf("got %v", err)
	}
	entries, err := os.ReadDir(home)
	if err != nil || len(entries) != 1 || entries[0].Name() != "thesis.odt" {
		t.Errorf("left: %v, %v", entries, err)
	}
	if info, err := os.Stat(home); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("the folder's mode was changed: %v, %v", info, err)
	}
}

func TestFailedCreateRemovesParents(t *testing.T) {
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	above := t.TempDir()
	if err := desk.Create(cancelled, filepath.Join(above, "a", "b", "home"), "a", passphrase); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if entries, err := os.ReadDir(above); err != nil || len(entries) > 0 {
		t.Errorf("left: %v, %v", entries, err)
	}
}

func TestTwoCreatesAtOnce(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	var wg sync.WaitGroup
	errs := make([]error, 2)
	for i := range errs {
		wg.Go(func() { errs[i] = desk.Create(ctx, home, "a", passphrase) })
	}
	wg.Wait()
	made := 0
	for _, err := range errs {
		switch {
		case err == nil:
			made++
		case !errors.Is(err, desk.ErrExists):
			t.Errorf("got %v", err)
		}
	}
	d, err := desk.Open(ctx, home, passphrase)
	if made != 1 || err != nil {
		t.Fatalf("%d homes were made, opening it: %v", made, err)
	}
	d.Close()
}
