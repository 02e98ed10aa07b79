package vault_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"sourdine/vault"
	"sourdine/vault/vaulttest"
)

// trySubmit is submit where it may fail.
func trySubmit(v *vault.Vault, payload []byte) error {
	d := v.NewDraft()
	defer d.Discard()
	w, err := d.Item(ctx, 0)
	if err != nil {
		return err
	}
	_, err = w.Write(payload)
	if err := errors.Join(err, w.Close()); err != nil {
		return err
	}
	_, err = d.Commit(ctx, commitment())
	return err
}

// Nothing is acknowledged while the files are not where the next Open looks for
// them, however that came about.
func TestNotInPlace(t *testing.T) {
	for name, vanish := range map[string]func(path string) error{
		"vault deleted": os.Remove,
		"slots deleted": func(path string) error { return os.Remove(slotsOf(path)) },
		"home deleted":  func(path string) error { return os.RemoveAll(filepath.Dir(path)) },
		"home moved":    func(path string) error { return os.Rename(filepath.Dir(path), filepath.Dir(path)+".away") },
		"vault exchanged": func(path string) error {
			raw, err := os.ReadFile(path)
			return errors.Join(err, os.Remove(path), os.WriteFile(path, raw, 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "home", "vault.db")
			if err := errors.Join(os.Mkdir(filepath.Dir(path), 0o700), vault.Create(path)); err != nil {
				t.Fatal(err)
			}
			v, err := vault.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			id := submit(t, v, random(1000))
			if err := errors.Join(v.InPlace(), vanish(path)); err != nil {
				t.Fatal(err)
			}
			left, _ := os.ReadFile(path)
			if err := v.InPlace(); !errors.Is(err, vault.ErrGone) {
				t.Errorf("InPlace: %v", err)
			}
			for range 2 {
				if err := trySubmit(v, random(300_000)); !errors.Is(err, vault.ErrGone) {
					t.Errorf("a submission: %v", err)
				}
			}
			if _, err := v.Batch(ctx); !errors.Is(err, vault.ErrGone) {
				t.Errorf("a batch: %v", err)
			}
			if _, _, err := v.Compact(ctx); !errors.Is(err, vault.ErrGone) {
				t.Errorf("compacting: %v", err)
			}
			if len(payloadOf(t, v, id, 0)) != 1000 {
				t.Error("what was received cannot be read any more")
			}
			if err := v.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
			if now, _ := os.ReadFile(path); !bytes.Equal(now, left) {
				t.Error("what is at the vault's place now was touched")
			}
		})
	}
}

// What was moved away and back goes on.
func TestBackInPlace(t *testing.T) {
	v, path := vaulttest.NewVaultAt(t)
	submit(t, v, random(10))
	away := filepath.Dir(path) + ".away"
	if err := os.Rename(filepath.Dir(path), away); err != nil {
		t.Fatal(err)
	}
	if err := trySubmit(v, random(10)); !errors.Is(err, vault.ErrGone) {
		t.Errorf("away: %v", err)
	}
	if err := os.Rename(away, filepath.Dir(path)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := v.Compact(ctx); err != nil {
		t.Errorf("compacting: %v", err)
	}
	submit(t, v, random(10))
	if n := count(t, v); n != 2 {
		t.Errorf("%d submissions", n)
	}
}

// A file that vanishes while a transaction runs: nobody is told that it was kept,
// and its slot is given to nobody else.
func TestVanishesInMidTransaction(t *testing.T) {
	v, path := vaulttest.NewVaultAt(t)
	id := submit(t, v, random(10))
	away := path + ".away"
	err := v.Apply(ctx, func(c *vault.Change) error {
		return errors.Join(c.Reenvelope(id, []byte("new"), 2), os.Rename(path, away))
	})
	if !errors.Is(err, vault.ErrGone) {
		t.Errorf("Apply: %v", err)
	}
	if err := os.Rename(away, path); err != nil {
		t.Fatal(err)
	}
	for range 130 { // more than two pages of slots
		submit(t, v, random(1))
	}
	if envelope, err := v.Envelope(id); err != nil || string(envelope) != "new" {
		t.Errorf("the envelope is %q, %v", envelope, err)
	}
	if err := v.Finish(ctx); err != nil {
		t.Error(err)
	}
}
