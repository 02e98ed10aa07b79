//go:build long

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"sourdine/cmd/internal/cli"
	"sourdine/vault"
	"sourdine/vault/admin"
	"sourdine/vault/seal"
	"sourdine/vault/vaulttest"
)

const (
	killedSubmissions = 200
	kills             = 5
)

// A return parcel is applied all or not at all, wherever a power cut stops it;
// brought again, it is applied.
func TestKilledInMidApply(t *testing.T) {
	t.Parallel()
	home := filepath.Join(t.TempDir(), "home")
	back := filledHome(t, home)
	copied := filepath.Join(t.TempDir(), "home")
	copyHome(t, home, copied)
	began := time.Now()
	if err := exec.Command("sourdine", "parcel", "apply", "--home", copied, back).Run(); err != nil {
		t.Fatal(err)
	}
	whole := time.Since(began)
	before, after := 0, 0
	for n := range kills {
		copyHome(t, home, copied)
		cmd := exec.Command("sourdine", "parcel", "apply", "--home", copied, back)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// From the start to the end, a little off each time.
		time.Sleep(whole*time.Duration(n+1)/kills - rand.N(whole/kills))
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
		if applied(t, copied) {
			after++
		} else {
			before++
		}
		if err := exec.Command("sourdine", "parcel", "apply", "--home", copied, back).Run(); err != nil || !applied(t, copied) {
			t.Fatalf("applying it after the kill: %v", err)
		}
	}
	t.Logf("killed before %d times, after %d times, of %v", before, after, whole)
	if before == 0 {
		t.Error("every kill came too late")
	}
}

// filledHome makes a home with submissions, and a return parcel that
// acknowledges and deletes them all.
func filledHome(t *testing.T, home string) (back string) {
	t.Helper()
	var out, errOut bytes.Buffer
	if code := run(context.Background(), []string{"init", "--home", home}, nil, &out, &errOut); code != cli.OK {
		t.Fatal(errOut.String())
	}
	h, err := admin.OpenHome(home)
	if err != nil {
		t.Fatal(err)
	}
	local, err := admin.Open(h)
	if err != nil {
		t.Fatal(err)
	}
	alice := vaulttest.NewKey(t, vaulttest.X25519)
	if err := local.AddChannel(t.Context(), "Nice"); err != nil {
		t.Fatal(err)
	}
	if _, err := local.AddReviewer(t.Context(), "Nice", alice.Certificate(t)); err != nil {
		t.Fatal(err)
	}
	commitMany(t, local.Vault(), alice)
	var outbound bytes.Buffer
	_, err = local.ExportParcel(t.Context(), &outbound, admin.Export{})
	if err := errors.Join(err, local.Close()); err != nil {
		t.Fatal(err)
	}
	parcel, err := makeReturn(outbound.Bytes(), alice, 1, []string{"acknowledge", "open", "delete"})
	if err != nil {
		t.Fatal(err)
	}
	back = filepath.Join(t.TempDir(), "return.tar")
	if err := os.WriteFile(back, parcel, 0o600); err != nil {
		t.Fatal(err)
	}
	return back
}

func commitMany(t *testing.T, v *vault.Vault, key vaulttest.Key) {
	t.Helper()
	c, err := seal.ParseCertificate(key.Certificate(t), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	commits := make(chan error)
	for range killedSubmissions {
		go func() {
			sealer, err := seal.New(seal.Roster{c}, time.Now())
			if err == nil {
				err = commit(t.Context(), v, sealer)
			}
			commits <- err
		}()
	}
	for range killedSubmissions {
		err = errors.Join(err, <-commits)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func commit(ctx context.Context, v *vault.Vault, sealer *seal.Sealer) error {
	d := v.NewDraft()
	w, err := d.Item(ctx, 0)
	if err != nil {
		return err
	}
	item, err := sealer.Item(w)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(item, "bonjour")
	if err := errors.Join(err, item.Close(), w.Close()); err != nil {
		return err
	}
	_, err = d.Commit(ctx, vault.Commitment{Channel: "Nice", Day: "2026-11-21", Epoch: 1, Envelope: sealer.Envelope()})
	return err
}

// applied opens a home, and tells whether the parcel was applied: all of it, or
// else nothing.
func applied(t *testing.T, home string) bool {
	t.Helper()
	path := filepath.Join(home, "vault.db")
	v, err := vault.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	there, acknowledged := 0, 0
	for e, err := range v.Entries() {
		if err != nil {
			t.Fatal(err)
		}
		acks, err := v.Acknowledgements(e.ID)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Envelope(e.ID); err != nil {
			t.Fatal(err)
		}
		there++
		acknowledged += len(acks)
	}
	desks, err := v.Desks()
	if err := errors.Join(err, v.Close(), vaulttest.Check(path)); err != nil {
		t.Fatal(err)
	}
	none := there == killedSubmissions && acknowledged == 0 && len(desks) == 0
	all := there == 0 && len(desks) == 1
	if none == all {
		t.Fatalf("half applied: %d submissions, %d acknowledged, %d desks", there, acknowledged, len(desks))
	}
	return all
}

func copyHome(t *testing.T, from, to string) {
	t.Helper()
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}
