//go:build e2e

package tornet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// ownerDir, when set, makes this test program the owner of a network, to be
// killed by the test that started it.
const ownerDir = "SOURDINE_TEST_OWNER_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(ownerDir); dir != "" {
		n, err := Start(context.Background(), dir)
		if err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		if _, err := n.StartClient(context.Background(), "visitor"); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		fmt.Println("up")
		select {}
	}
	os.Exit(m.Run())
}

func start(t *testing.T, dir string) *Network {
	t.Helper()
	began := time.Now()
	n, err := Start(t.Context(), dir, WithLog(func(s string) { t.Logf("%5.1f s  %s", time.Since(began).Seconds(), s) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Logf("%5.1f s  usable", time.Since(began).Seconds())
	return n
}

func startClient(t *testing.T, n *Network, name string) *Client {
	t.Helper()
	began := time.Now()
	c, err := n.StartClient(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%5.1f s  client", time.Since(began).Seconds())
	return c
}

func closeAll(t *testing.T, n *Network) {
	t.Helper()
	for range 2 {
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if left := processesIn(t, n.dir); len(left) > 0 {
		t.Fatalf("processes %v outlived Close", left)
	}
}

// TestLife takes one folder through what can happen to it.
func TestLife(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "net of é \"1\"")
	first := start(t, dir)
	startClient(t, first, "visitor")
	if _, err := first.StartClient(t.Context(), "visitor"); err == nil {
		t.Error("two clients in one folder")
	}
	if _, err := Start(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("two networks in one folder: %v", err)
	}
	closeAll(t, first)
	if _, err := first.StartClient(t.Context(), "late"); err == nil {
		t.Error("a client of a closed network")
	}

	t.Log("taken up again")
	began := time.Now()
	second := start(t, dir)
	if took := time.Since(began); took > 6*time.Second {
		t.Errorf("a used folder took %v: it held a vote", took)
	}
	if !slices.Equal(first.Torrc(), second.Torrc()) {
		t.Error("a used folder has other keys or ports")
	}
	startClient(t, second, "visitor")
	closeAll(t, second)

	t.Log("with a damaged consensus")
	if err := os.Truncate(filepath.Join(dir, "authority2", "cached-microdesc-consensus"), 1000); err != nil {
		t.Fatal(err)
	}
	third := start(t, dir)
	if !slices.Equal(first.Torrc(), third.Torrc()) {
		t.Error("a vote changed keys or ports")
	}
	startClient(t, third, "visitor")
	closeAll(t, third)

	t.Log("with a port in use")
	l, err := net.Listen("tcp4", loopback(third.plan.Nodes[4].ORPort))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	fourth := start(t, dir)
	if slices.Equal(first.Torrc(), fourth.Torrc()) {
		t.Error("other ports with the same keys: old consensuses would be believed")
	}
	startClient(t, fourth, "visitor")
}

func TestTwoNetworksAtOnce(t *testing.T) {
	for _, name := range []string{"one", "two"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			startClient(t, start(t, filepath.Join(t.TempDir(), name)), "visitor")
		})
	}
}

// Promise: nothing outlives the owner, and its folder is not lost.
func TestKilledOwner(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "owned")
	owner := exec.Command(os.Args[0])
	owner.Env = append(os.Environ(), ownerDir+"="+dir)
	out, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	said := make([]byte, 1000)
	k, _ := out.Read(said)
	if !strings.HasPrefix(string(said[:k]), "up") {
		t.Errorf("the owner said %q", said[:k])
	}
	if running := len(processesIn(t, dir)); running != 7 {
		t.Errorf("%d processes, want 6 nodes and a client", running)
	}
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait() // it was killed
	for range 200 {
		if len(processesIn(t, dir)) == 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if left := processesIn(t, dir); len(left) > 0 {
		t.Errorf("processes %v outlived their owner by two seconds", left)
	}
	startClient(t, start(t, dir), "visitor")
}

// A start that is given up leaves nothing running.
func TestStartGivenUp(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "net")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := Start(ctx, dir, WithLog(func(s string) {
		if strings.HasPrefix(s, "starting authorities") {
			time.AfterFunc(time.Second, cancel)
		}
	}))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
	if left := processesIn(t, dir); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
}

// A node that does not come up is named, with its own words.
func TestFailureNamesTheNode(t *testing.T) {
	programs, err := findPrograms()
	if err != nil {
		t.Fatal(err)
	}
	n := &Network{dir: filepath.Join(t.TempDir(), "net"), programs: programs, log: func(string) {}}
	if err := n.takeFolder(); err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	ports, err := n.prepare(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ports.releaseAll()
	keys := filepath.Join(n.dir, "relay2", "keys")
	if err := os.MkdirAll(keys, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(keys, "secret_id_key"), []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	err = n.bringUp(t.Context(), false)
	if err == nil || !strings.Contains(err.Error(), "relay2") || !strings.Contains(err.Error(), "private key") {
		t.Errorf("err = %v", err)
	}
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
