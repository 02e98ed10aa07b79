//go:build linux

package slots

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// These variables make the test binary a child; the value is the file's path.
const (
	crashEnv = "SOURDINE_SLOTS_CRASH_TEST"
	limitEnv = "SOURDINE_SLOTS_LIMIT_TEST"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(crashEnv); path != "" {
		workForever(path, os.Args[1:])
	}
	if path := os.Getenv(limitEnv); path != "" {
		fillUp(path)
	}
	os.Exit(m.Run())
}

func orDie(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// workForever takes and zeroes slots, and tells every step on stdout, which is
// what a vault keeps in its database: "take SLOT KEY" once taken, "note SLOT"
// before zeroing, "gone SLOT" when it is zeroed.
func workForever(path string, named []string) {
	inUse, own := keys{}, []uint32{}
	for _, arg := range named {
		slot, err := strconv.Atoi(arg)
		orDie(err)
		inUse[uint32(slot)] = Key{}
		own = append(own, uint32(slot))
	}
	f, err := Open(path, testID, maps.Keys(inUse))
	orDie(err)
	for {
		for range 1 + rand.IntN(20) {
			slot, key, err := f.Take()
			orDie(err)
			fmt.Printf("take %d %x\n", slot, key.bytes)
			own = append(own, slot)
		}
		for range min(len(own), 1+rand.IntN(18)) {
			i := rand.IntN(len(own))
			slot := own[i]
			own = append(own[:i], own[i+1:]...)
			fmt.Printf("note %d\n", slot)
			orDie(f.Zero(slot))
			fmt.Printf("gone %d\n", slot)
			orDie(f.Give(slot))
		}
	}
}

// TestKill kills a working process again and again, on one file: every key it
// told of is there, what it said was gone is gone, and what it was about to
// zero goes when that is repeated.
func TestKill(t *testing.T) {
	kills := 20
	if testing.Short() {
		kills = 4
	}
	path, l := create(t), newLedger()
	for range kills {
		workAndKill(t, path, l, time.Duration(5+rand.IntN(60))*time.Millisecond)
		f := mustOpen(t, path, l.named())
		must(t, sameKeys(f, l.inUse))
		must(t, l.finish(f))
		mustBeClean(t, f)
		must(t, f.Close())
		mustBeGone(t, contents(t, path), l.gone[max(0, len(l.gone)-40):]...)
	}
	if len(l.gone) < kills || len(l.inUse) < kills {
		t.Fatalf("only %d taken and %d zeroed: the test tested little", len(l.inUse), len(l.gone))
	}
	mustBeGone(t, contents(t, path), l.gone...)
	t.Logf("%d kills, %d keys in use, %d gone", kills, len(l.inUse), len(l.gone))
}

func workAndKill(t *testing.T, path string, l *ledger, after time.Duration) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	for slot := range l.inUse {
		cmd.Args = append(cmd.Args, itoa(slot))
	}
	cmd.Env = append(os.Environ(), crashEnv+"="+path)
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	must(t, cmd.Start())
	reader := bufio.NewReader(stdout)
	for first := true; ; first = false {
		line, err := reader.ReadString('\n')
		if err != nil {
			break // a line that is cut was not acknowledged
		}
		if first {
			time.AfterFunc(after, func() { cmd.Process.Kill() })
		}
		must(t, l.hear(strings.Fields(line)))
	}
	cmd.Wait()
	if stderr.Len() > 0 {
		t.Fatalf("the child failed: %s", stderr.String())
	}
}

// hear enters a line of the child's.
func (l *ledger) hear(words []string) error {
	n, err := strconv.Atoi(words[1])
	slot := uint32(n)
	switch words[0] {
	case "take":
		raw, _ := hex.DecodeString(words[2])
		key := Key{[keySize]byte(raw)}
		if _, twice := l.named()[slot]; twice || l.seen[key] {
			return fmt.Errorf("slot %d or its key was handed out twice", slot)
		}
		l.seen[key], l.inUse[slot] = true, key
	case "note":
		l.pending[slot] = l.inUse[slot]
		delete(l.inUse, slot)
	case "gone":
		l.gone = append(l.gone, l.pending[slot])
		delete(l.pending, slot)
	}
	return err
}

// fillUp works under a limit that ends in the middle of a page, and prints what
// it saw.
func fillUp(path string) {
	signal.Ignore(syscall.SIGXFSZ)
	limit := func(size uint64) {
		orDie(syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: size, Max: 1 << 30}))
	}
	f, err := Open(path, testID, maps.Keys(keys{}))
	orDie(err)
	inUse := keys{}
	take := func() error {
		slot, key, err := f.Take()
		if err == nil {
			inUse[slot] = key
		}
		return err
	}
	limit(headerPair + pairSize + pageSize + 1000)
	for range perPage {
		orDie(take())
	}
	for range 3 {
		fmt.Println("full:", errors.Is(take(), syscall.EFBIG))
	}
	fmt.Println("keys:", sameKeys(f, inUse))
	slot := sortedSlots(inUse)[9]
	delete(inUse, slot)
	fmt.Println("zero:", f.Zero(slot), f.Give(slot))
	fmt.Println("take:", take())
	fmt.Println("full:", errors.Is(take(), syscall.EFBIG))
	limit(1 << 20)
	for range 100 {
		orDie(take())
	}
	fmt.Println("keys:", sameKeys(f, inUse), f.Stats())
	os.Exit(0)
}

// TestFullDisk: when the file cannot grow, all else goes on, a zeroed slot is
// used again, and when there is space again the next Take finds it.
func TestFullDisk(t *testing.T) {
	path := create(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), limitEnv+"="+path)
	out, err := cmd.CombinedOutput()
	want := "full: true\nfull: true\nfull: true\nkeys: <nil>\nzero: <nil> <nil>\ntake: <nil>\nfull: true\n" +
		"keys: <nil> {192 164 28 0 0 0 0 0}\n"
	if err != nil || string(out) != want {
		t.Fatalf("%v: %s", err, out)
	}
	mustBeClean(t, mustOpen(t, path, nil))
}

// TestTmpfs does it with ENOSPC, on a real full file system.
func TestTmpfs(t *testing.T) {
	folder := t.TempDir()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=24k"); err != nil {
		t.Skipf("no tmpfs can be mounted: %v", err)
	}
	defer syscall.Unmount(folder, syscall.MNT_DETACH)
	path, inUse := folder+"/vault.slots", keys{}
	must(t, Create(path, testID))
	f := mustOpen(t, path, nil)
	slots := mustTake(t, f, 128, inUse)
	for range 3 {
		if _, _, err := f.Take(); !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
	must(t, sameKeys(f, inUse))
	must(t, f.Zero(slots[:7]...))
	must(t, f.Give(slots[:7]...))
	for _, slot := range slots[:7] {
		delete(inUse, slot)
	}
	mustTake(t, f, 7, inUse)
	must(t, syscall.Mount("tmpfs", folder, "tmpfs", syscall.MS_REMOUNT, "size=64k"))
	mustTake(t, f, 64, inUse)
	must(t, sameKeys(f, inUse))
	mustBeClean(t, f)
	must(t, f.Close())
}
