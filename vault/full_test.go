package vault_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"sourdine/vault"
	"sourdine/vault/vaulttest"
)

// limitEnv makes the test binary a child whose files may not grow.
const limitEnv = "SOURDINE_VAULT_LIMIT_TEST"

// fillUp meets the limit where a page is written, and, in a file that was just
// opened, where the file is made larger; lifts it; and prints what it saw.
func fillUp(path string) {
	signal.Ignore(syscall.SIGXFSZ)
	limit := func(size uint64) {
		orExit(syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: size, Max: 1 << 40}))
	}
	for _, meets := range []string{"growing", "writing"} {
		v, err := vault.Open(path)
		orExit(err)
		if meets == "writing" {
			orExit(trySubmit(v, random(10)))
		}
		limit(1 << 20)
		err = trySubmit(v, random(8<<20))
		fmt.Println(meets, "full:", errors.Is(err, vault.ErrFull), v.Full() != nil)
		limit(1 << 40)
		err = trySubmit(v, random(8<<20))
		fmt.Println(meets, "room:", err, v.Full())
		select {
		case <-v.Failed():
			fmt.Println("stopped")
		default:
		}
		orExit(v.Close())
	}
	os.Exit(0)
}

// TestNoRoom: where there is no room nothing is changed, and when there is some
// again everything goes on, without a restart.
func TestNoRoom(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.db")
	if err := vault.Create(path); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), limitEnv+"="+path)
	out, err := cmd.CombinedOutput()
	want := "growing full: true true\ngrowing room: <nil> <nil>\nwriting full: true true\nwriting room: <nil> <nil>\n"
	if err != nil || string(out) != want {
		t.Fatalf("%v: %s", err, out)
	}
	v := vaulttest.Open(t, path)
	if s, err := v.Stats(); err != nil || s.Submissions != 3 || s.Drafts != 0 {
		t.Errorf("%+v, %v", s, err)
	}
}
