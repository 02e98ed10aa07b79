//go:build bench

package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sourdine/deploy/e2e/program"
)

const (
	exportGiB = 10 // of one parcel, unless SOURDINE_BENCH_GIB says another number

	// roomFor is how many files of that size there are at once: the vault, a
	// parcel and its copy. A little more is left free.
	roomFor  = 3
	leftFree = 5
)

// TestExport prints how fast a parcel of 10 GiB is exported, beside cp of the
// same file, with how much memory, and how fast a download that was cut off in
// the middle goes on.
func TestExport(t *testing.T) {
	dir := t.TempDir()
	size := exportSize(t, dir)
	x := &exporting{dir: dir, parcel: filepath.Join(dir, "parcel.tar"), copy: filepath.Join(dir, "copy.tar")}
	s := program.StartServer(t)
	x.home = s.Home
	send(t, s, gib)
	s.Stop(t)
	fmt.Printf("\nexport of 1 and of %d GiB, beside cp of the parcel (aim: half of cp's MiB/s);\nthat of 1 GiB from the page cache, medians of 3\n", size)
	for _, how := range []durability{unsynced, synced} {
		x.compare(t, "1 GiB "+how.String(), 3, x.settle, how)
	}
	s = program.Serve(t, x.home)
	for range size - 1 {
		send(t, s, gib)
	}
	s.Stop(t)
	name := fmt.Sprintf("%d GiB from the disk ", size)
	for _, how := range []durability{unsynced, synced} {
		x.compare(t, name+how.String(), 1, x.dropFromCache, how)
	}
	x.resume(t)
}

// compare measures both in turns, each going first as often, and prints medians.
func (x *exporting) compare(t *testing.T, what string, times int, before func(*testing.T), how durability) {
	t.Helper()
	var ours, cp []cost
	export := func() {
		before(t)
		ours = append(ours, x.export(t, how))
	}
	copies := func() {
		before(t)
		cp = append(cp, x.cp(t, how))
	}
	for n := range times {
		if n%2 == 0 { // first of all there must be something to copy
			export()
			copies()
		} else {
			copies()
			export()
		}
	}
	size := float64(x.size(t))
	o, c := medianCost(ours), medianCost(cp)
	fmt.Printf("  %-34s cp %5.0f, export %5.0f MiB/s: %.2f; export: %.2f CPU s/GiB, peak %d MiB of its own, %d of mapped files\n", what,
		size/mib/c.wall.Seconds(), size/mib/o.wall.Seconds(), c.wall.Seconds()/o.wall.Seconds(), o.cpu.Seconds()*gib/size, o.own/mib, o.mapped/mib)
}

// exportSize is how many GiB to export: fewer when the disk has no room.
func exportSize(t *testing.T, dir string) int64 {
	t.Helper()
	size := int64(exportGiB)
	if wanted := os.Getenv("SOURDINE_BENCH_GIB"); wanted != "" {
		n, err := strconv.ParseInt(wanted, 10, 64)
		if err != nil || n < 1 {
			t.Fatal("SOURDINE_BENCH_GIB is not a number of GiB")
		}
		size = n
	}
	var disk unix.Statfs_t
	if err := unix.Statfs(dir, &disk); err != nil {
		t.Fatal(err)
	}
	room := (int64(disk.Bavail)*disk.Bsize/gib - leftFree) / roomFor
	if room < 1 {
		t.Fatal("the disk has no room for a parcel of 1 GiB")
	}
	if room < size {
		fmt.Printf("\nonly %d GiB: the disk has no room for %d\n", room, size)
	}
	return min(size, room)
}

// An exporting is a home, a parcel from it and a copy of the parcel.
type exporting struct {
	dir, home, parcel, copy string
}

type durability bool

const (
	synced   durability = true
	unsynced durability = false
)

func (d durability) String() string {
	if d == synced {
		return "with fsync"
	}
	return "without fsync"
}

func (x *exporting) size(t *testing.T) int64 {
	t.Helper()
	info, err := os.Stat(x.parcel)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// export writes the parcel: to a file, which the command always syncs, or to
// its standard output.
func (x *exporting) export(t *testing.T, how durability) (c cost) {
	t.Helper()
	x.remove(t, x.parcel)
	if how == synced {
		c, _ = run(t, nil, "sourdine", "parcel", "export", "--home", x.home, "-o", x.parcel)
		return c
	}
	out, err := os.Create(x.parcel)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	c, _ = run(t, out, "sourdine", "parcel", "export", "--home", x.home, "-o", "-")
	return c
}

// cp copies the parcel, and never by a reference to the same blocks.
func (x *exporting) cp(t *testing.T, how durability) (c cost) {
	t.Helper()
	x.remove(t, x.copy)
	start := time.Now()
	if out, err := exec.Command("cp", "--reflink=never", x.parcel, x.copy).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v: %s", err, out)
	}
	if how == synced {
		if err := syncFile(x.copy); err != nil {
			t.Fatal(err)
		}
	}
	c.wall = time.Since(start)
	x.remove(t, x.copy)
	return c
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// remove removes a file, and waits until the disk has written what is left to
// write of others: who comes next would pay for it.
func (x *exporting) remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	unix.Sync()
}

// dropFromCache makes the next reader of the vault and the parcel ask the disk.
func (x *exporting) dropFromCache(t *testing.T) {
	t.Helper()
	dropFromCache(t, x.parcel, filepath.Join(x.home, "vault.db"))
}

// settle makes both meet the same memory; see settle.
func (x *exporting) settle(t *testing.T) { settle(t, x.dir) }

var linkForm = regexp.MustCompile(`href="(/parcel\.tar[^"]*)"`)

// resume downloads the second half of the parcel from pickup, and compares it
// with that of the exported one.
func (x *exporting) resume(t *testing.T) {
	s := program.Serve(t, x.home, "--pickup-listen", "127.0.0.1:0")
	pickup := s.Line(t, "pickup", time.Minute)
	link := linkForm.FindSubmatch(get(t, pickup+"parcels"))
	if link == nil {
		t.Fatal("pickup has no parcel")
	}
	from := x.size(t) / 2
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, pickup+string(bytes.ReplaceAll(link[1], []byte("&amp;"), []byte("&")))[1:], nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
	want, err := os.Open(x.parcel)
	if err != nil {
		t.Fatal(err)
	}
	defer want.Close()
	var first time.Duration
	start := time.Now()
	c := served(t, s, func() {
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		first = time.Since(start)
		if response.StatusCode != http.StatusPartialContent {
			t.Fatalf("status %d", response.StatusCode)
		}
		if err := same(response.Body, io.NewSectionReader(want, from, x.size(t)-from)); err != nil {
			t.Error(err)
		}
	})
	fmt.Printf("  the second half, from pickup: begins after %d ms, %.0f MiB/s, compared byte by byte\n      server: %s\n",
		first.Milliseconds(), float64(x.size(t)-from)/mib/c.wall.Seconds(), c)
}

func get(t *testing.T, url string) []byte {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("status %d, %v", response.StatusCode, err)
	}
	return page
}

// same compares two streams.
func same(got, want io.Reader) error {
	a, b := make([]byte, mib), make([]byte, mib)
	for {
		n, err := io.ReadFull(want, a)
		m, _ := io.ReadFull(got, b[:max(n, 1)])
		switch {
		case n != m || !bytes.Equal(a[:n], b[:m]):
			return errors.New("what pickup gave is not what was exported")
		case err != nil:
			return nil
		}
	}
}
