package vault_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sourdine/vault"
	"sourdine/vault/vaulttest"
)

// crashEnv makes the test binary a child that submits until it is killed.
const crashEnv = "SOURDINE_VAULT_CRASH_TEST"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashEnv); path != "" {
		submitForever(path)
	}
	if path := os.Getenv(limitEnv); path != "" {
		failOnce(path)
	}
	os.Exit(m.Run())
}

// limitEnv makes the test binary a child whose file may not grow.
const limitEnv = "SOURDINE_VAULT_LIMIT_TEST"

// failOnce commits, lets a write fail (EFBIG), and prints what the next commit
// says.
func failOnce(path string) {
	signal.Ignore(syscall.SIGXFSZ)
	v, err := vault.Open(path)
	if err != nil {
		panic(err)
	}
	commit := func(size int) error {
		d := v.NewDraft()
		defer d.Discard()
		w, err := d.Item(ctx, 0)
		if err != nil {
			return err
		}
		_, err = w.Write(random(size))
		if err := errors.Join(err, w.Close()); err != nil {
			return err
		}
		_, err = d.Commit(ctx, commitment())
		return err
	}
	fmt.Println("first:", commit(1000))
	limit := syscall.Rlimit{Cur: 1 << 20, Max: 1 << 20}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		panic(err)
	}
	fmt.Println("too large:", commit(8<<20) != nil)
	fmt.Println("next:", errors.Is(commit(10), vault.ErrFailed))
	select {
	case <-v.Failed():
		fmt.Println("failed: true")
	default:
	}
	os.Exit(0)
}

// TestFailedWriteStopsTheVault: after a write of unknown outcome nothing is
// changed any more, and opening anew finds everything that was acknowledged.
func TestFailedWriteStopsTheVault(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.db")
	if err := vault.Create(path); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), limitEnv+"="+path)
	out, err := cmd.CombinedOutput()
	if want := "first: <nil>\ntoo large: true\nnext: true\nfailed: true\n"; err != nil || string(out) != want {
		t.Fatalf("%v: %s", err, out)
	}
	v := vaulttest.Open(t, path)
	if s, err := v.Stats(); err != nil || s.Submissions != 1 || s.Drafts != 0 {
		t.Errorf("%+v, %v", s, err)
	}
	submit(t, v, []byte("goes on"))
}

// submitForever runs several uploads at once and prints "id digest" for each
// submission after its commit returned.
func submitForever(path string) {
	v, err := vault.Open(path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	lines := make(chan string)
	for range 4 {
		go func() {
			for {
				payload := random(rand.IntN(2 << 20))
				d := v.NewDraft()
				w, _ := d.Item(ctx, 0)
				w.Write(payload)
				w.Close()
				id, err := d.Commit(ctx, commitment())
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				lines <- fmt.Sprintf("%s %x\n", id, sha256.Sum256(payload))
			}
		}()
	}
	for line := range lines {
		os.Stdout.WriteString(line)
	}
}

// TestKill kills a submitting process again and again, on one vault: what it
// said was committed is there, whole, and nothing half is visible (promise 3).
func TestKill(t *testing.T) {
	kills := 15
	if testing.Short() {
		kills = 3
	}
	path := filepath.Join(t.TempDir(), "vault.db")
	if err := vault.Create(path); err != nil {
		t.Fatal(err)
	}
	acknowledged := map[string]string{}
	for range kills {
		for id, digest := range submitAndKill(t, path, time.Duration(30+rand.IntN(150))*time.Millisecond) {
			acknowledged[id] = digest
		}
		checkAcknowledged(t, path, acknowledged)
	}
	if len(acknowledged) < kills {
		t.Fatalf("only %d submissions were acknowledged in %d runs: the test tested little", len(acknowledged), kills)
	}
	t.Logf("%d submissions acknowledged over %d kills", len(acknowledged), kills)
}

// submitAndKill returns what the child acknowledged before it was killed, some
// time after its first acknowledgement.
func submitAndKill(t *testing.T, path string, after time.Duration) map[string]string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashEnv+"="+path)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	acknowledged := map[string]string{}
	lines := bufio.NewScanner(stdout)
	for first := true; lines.Scan(); first = false {
		if first {
			time.AfterFunc(after, func() { cmd.Process.Kill() })
		}
		if id, digest, whole := strings.Cut(lines.Text(), " "); whole && len(digest) == 64 {
			acknowledged[id] = digest
		}
	}
	cmd.Wait()
	if stderr.Len() > 0 {
		t.Fatalf("the child failed: %s", stderr.String())
	}
	return acknowledged
}

func checkAcknowledged(t *testing.T, path string, acknowledged map[string]string) {
	t.Helper()
	v, err := vault.Open(path)
	if err != nil {
		t.Fatalf("the vault does not open after a kill: %v", err)
	}
	for id, want := range acknowledged {
		parsed, err := vault.ParseID(id)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%x", sha256.Sum256(payloadOf(t, v, parsed, 0))); got != want {
			t.Fatalf("submission %s came back changed", id)
		}
	}
	if s, err := v.Stats(); err != nil || s.Drafts != 0 {
		t.Fatalf("after the sweep: %+v, %v", s, err)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	if err := vaulttest.Check(path); err != nil {
		t.Fatal(err)
	}
}
