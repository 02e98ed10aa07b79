//go:build long

package vault_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"sourdine/vault"
	"sourdine/vault/vaulttest"
)

const closeEnv = "SOURDINE_VAULT_CLOSE_TEST"

// closeForever opens, changes and closes a vault until it is killed.
func closeForever(t *testing.T, path string) {
	for {
		v, err := vault.Open(path)
		orFatal(t, err)
		id := submit(t, v, random(rand.IntN(300_000)))
		if rand.IntN(3) > 0 {
			orFatal(t, v.Delete(ctx, []vault.Deletion{byRetention(id)}))
		}
		orFatal(t, v.Close())
	}
}

// A vault whose program was killed while it closed it, or at any other moment,
// is sound, and the next one finds it so.
func TestKillWhileClosing(t *testing.T) {
	if path := os.Getenv(closeEnv); path != "" { // the child
		closeForever(t, path)
	}
	path := filepath.Join(t.TempDir(), "vault.db")
	orFatal(t, vault.Create(path))
	settled := 0
	for range 12 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKillWhileClosing$")
		cmd.Env = append(os.Environ(), closeEnv+"="+path)
		orFatal(t, cmd.Start())
		time.Sleep(time.Duration(20+rand.IntN(120)) * time.Millisecond)
		orFatal(t, cmd.Process.Kill())
		_ = cmd.Wait() // it was killed
		r := verify(t, path)
		if !r.Sound() {
			t.Fatalf("%+v", r)
		}
		if len(r.Unchecked) == 0 {
			settled++
		}
		v, err := vault.Open(path)
		orFatal(t, err)
		orFatal(t, errors.Join(v.Close(), vaulttest.Check(path)))
		if r := verify(t, path); !r.Sound() || len(r.Unchecked) > 0 {
			t.Fatalf("closed: %+v", r)
		}
	}
	t.Logf("it was as closed %d times", settled)
}
