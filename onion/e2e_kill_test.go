//go:build e2e

package onion_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"sourdine/onion"
	"sourdine/onion/tornet"
)

// Environment of this test program when it plays the server that gets killed.
const (
	ownerDir    = "SOURDINE_TEST_OWNER_DIR"
	ownerTorrc  = "SOURDINE_TEST_OWNER_TORRC"
	ownerSocket = "SOURDINE_TEST_OWNER_SOCKET"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(ownerDir); dir != "" {
		if err := ownAndWait(dir); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// ownAndWait publishes a service, says its address when it is uploaded, and
// waits for the end.
func ownAndWait(dir string) error {
	ctx := context.Background()
	tor, err := onion.Start(ctx, onion.Config{DataDir: dir, ExtraTorrc: strings.Split(os.Getenv(ownerTorrc), "\n")})
	if err != nil {
		return err
	}
	key, err := onion.NewServiceKey()
	if err != nil {
		return err
	}
	p, err := tor.Publish(ctx, onion.Service{Key: key, Socket: os.Getenv(ownerSocket)})
	if err != nil {
		return err
	}
	if err := p.WaitUploaded(ctx); err != nil {
		return err
	}
	fmt.Println(p.Address())
	<-tor.Done()
	return tor.Err()
}

// testKilledOwner: after kill -9 of the owner no tor remains and the service
// is gone.
func testKilledOwner(t *testing.T, n *tornet.Network, visitor *tornet.Client) {
	dir := filepath.Join(t.TempDir(), "owned")
	owner := exec.Command(os.Args[0])
	owner.Env = append(os.Environ(), ownerDir+"="+dir, ownerTorrc+"="+strings.Join(n.Torrc(), "\n"), ownerSocket+"="+serveSite(t, "owned"))
	out, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	address := strings.TrimSpace(line)
	if onion.CheckAddress(address) != nil {
		_ = owner.Process.Kill()
		t.Fatalf("the owner said %q", line)
	}
	mustGet(t, visitor, address, "owned")
	pids := processesIn(t, dir)
	if len(pids) != 1 {
		t.Fatalf("%d tors in %s, want 1", len(pids), dir)
	}
	if group, err := syscall.Getpgid(pids[0]); err != nil || group != pids[0] {
		t.Errorf("tor is in process group %d (%v): Ctrl-C would reach it", group, err)
	}
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait() // it was killed
	for range 100 {
		if len(processesIn(t, dir)) == 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if left := processesIn(t, dir); len(left) > 0 {
		killAll(t, left)
		t.Error("tor outlived its owner by a second")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if got, err := get(ctx, visitor, address); err == nil {
		t.Errorf("the service outlived its owner and said %q", got)
	}
	// The folder can be taken up again at once.
	startTor(t, onion.Config{DataDir: dir, ExtraTorrc: n.Torrc()})
}

// processesIn returns the ids of living processes that name a folder on their
// command line.
func processesIn(t *testing.T, dir string) []int {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		// An ended process that nobody has reaped has no command line.
		cmdline, err := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		if err == nil && bytes.Contains(cmdline, []byte(dir+"/")) {
			pids = append(pids, pid)
		}
	}
	return pids
}

func killAll(t *testing.T, pids []int) {
	t.Helper()
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Error(err)
		}
	}
}
