package tornet

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// samplePlan is a plan as one founded on ports 1 to 9 would be.
func samplePlan() plan {
	p := newPlan([]int{1, 2, 3, 4, 5, 6, 7, 8, 9})
	for i := range p.Nodes[:3] {
		p.Nodes[i].Fingerprint = strings.Repeat(fmt.Sprint(i), 40)
		p.Nodes[i].V3Ident = strings.Repeat(fmt.Sprint(i+5), 40)
	}
	return p
}

func TestPlanComesBack(t *testing.T) {
	dir := t.TempDir()
	want := samplePlan()
	want.Offset = 1799
	if err := want.save(dir); err != nil {
		t.Fatal(err)
	}
	got, ok := loadPlan(dir)
	if !ok || got.Offset != 1799 || !slices.Equal(got.Nodes, want.Nodes) {
		t.Errorf("plan came back as %+v, %v", got, ok)
	}
}

func TestDamagedPlanIsNone(t *testing.T) {
	dir := t.TempDir()
	if err := samplePlan().save(dir); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, planFile)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"empty": "", "cut": string(whole[:len(whole)/2]), "other": "[]", "null": "null", "zeros": strings.Repeat("\x00", 512),
		"next version":    strings.Replace(string(whole), `"version": 1`, `"version": 2`, 1),
		"relay forgotten": strings.Replace(string(whole), `"name": "relay3"`, `"dir_port": 7, "name": "relay3"`, 1),
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, ok := loadPlan(dir); ok {
			t.Errorf("%s: taken for a plan", name)
		}
	}
}

func TestReservedPortsAreTaken(t *testing.T) {
	first, ports, err := reserve(portsNeeded)
	if err != nil {
		t.Fatal(err)
	}
	defer first.releaseAll()
	second, others, err := reserve(portsNeeded)
	if err != nil {
		t.Fatal(err)
	}
	defer second.releaseAll()
	for _, p := range ports {
		if slices.Contains(others, p) {
			t.Errorf("port %d given out twice", p)
		}
	}
	if _, err := reserveThese(ports); err == nil {
		t.Error("took ports that are in use")
	}
	first.release(ports[0], 0, 1)
	l, err := net.Listen("tcp4", loopback(ports[0]))
	if err != nil {
		t.Errorf("a released port is not free: %v", err)
	} else {
		l.Close()
	}
}

// A vote can only be scheduled when the delays before it still fit in.
func TestNextConsensusLeavesTimeToVote(t *testing.T) {
	midnight := time.Date(2026, 3, 29, 0, 0, 0, 0, time.UTC)
	for _, base := range []time.Time{midnight, midnight.Add(-3 * time.Second), midnight.Add(17*time.Hour + 59*time.Minute + 58*time.Second)} {
		for ms := range 1000 {
			now := base.Add(time.Duration(ms) * time.Millisecond)
			at := nextConsensus(now)
			if lead := at.Sub(now); lead < consensusLead || lead >= consensusLead+time.Second || at.Nanosecond() != 0 {
				t.Fatalf("at %v: consensus at %v", now, at)
			}
			offset := offsetFor(at)
			// tor counts intervals from midnight UTC and adds the offset.
			since := int(at.Sub(at.Truncate(24 * time.Hour)).Seconds())
			if (since-offset)%int(votingInterval.Seconds()) != 0 || offset < 0 || offset >= int(votingInterval.Seconds()) {
				t.Fatalf("offset %d does not lead to %v", offset, at)
			}
		}
	}
}

// consensus writes what an authority would answer for the plan.
func consensus(p plan, until time.Time, flags string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "network-status-version 3 microdesc\nvalid-until %s\n", until.UTC().Format(time.DateTime))
	for _, n := range p.Nodes {
		fmt.Fprintf(&b, "r %s AAAA 2038-01-01 00:00:00 127.0.0.1 %d %d\nm BBBB\n%s\nw Bandwidth=0\n", n.Name, n.ORPort, n.DirPort, flags)
	}
	return b.String() + "directory-footer\n"
}

func TestUsable(t *testing.T) {
	p, now := samplePlan(), time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	later, flags := now.Add(time.Minute), "s Exit Fast Guard HSDir Running V2Dir Valid"
	good := consensus(p, later, flags)
	if !p.usable(good, now) {
		t.Fatal("a complete consensus is refused")
	}
	for name, text := range map[string]string{
		"empty":        "",
		"not found":    "404",
		"expired":      consensus(p, now, flags),
		"no date":      strings.Replace(good, "valid-until", "valid-after", 1),
		"bad date":     strings.Replace(good, "valid-until 2026", "valid-until 20x6", 1),
		"cut":          good[:len(good)*2/3],
		"not running":  consensus(p, later, "s Exit Fast Guard HSDir V2Dir Valid"),
		"no directory": consensus(p, later, "s Exit Fast Guard Running V2Dir Valid"),
		"other port":   strings.Replace(good, "127.0.0.1 9 ", "127.0.0.1 99 ", 1),
		"other name":   strings.Replace(good, "r relay3 ", "r relay33 ", 1),
	} {
		if p.usable(text, now) {
			t.Errorf("%s: taken for usable", name)
		}
	}
}

func TestKnowsAll(t *testing.T) {
	p := samplePlan()
	var all string
	for _, n := range p.Nodes {
		if p.knowsAll(all) {
			t.Fatalf("knows all without %s", n.Name)
		}
		all += fmt.Sprintf("router %s 127.0.0.1 %d 0 0\nidentity-ed25519\n", n.Name, n.ORPort)
	}
	if !p.knowsAll(all) || p.knowsAll(strings.Replace(all, "1 9 ", "1 99 ", 1)) {
		t.Error("does not tell a complete set of descriptors from another network's")
	}
}

// Promise: a folder that is not ours is left alone.
func TestStartLeavesForeignFolderAlone(t *testing.T) {
	dir := t.TempDir()
	precious := filepath.Join(dir, "relay1")
	if err := os.WriteFile(precious, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	n := &Network{dir: dir}
	if err := n.takeFolder(); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("err = %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder was changed: %v %v", entries, err)
	}
}

func TestForgetKeepsKeys(t *testing.T) {
	p, dir := samplePlan(), t.TempDir()
	for _, f := range []string{"keys/secret", "cached-consensus", "state", "diff-cache/1"} {
		path := filepath.Join(dir, "authority1", f)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.forget(dir); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(filepath.Join(dir, "authority1"))
	if err != nil || len(left) != 1 || left[0].Name() != "keys" {
		t.Errorf("left: %v %v", left, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "authority1", "keys", "secret")); err != nil {
		t.Error(err)
	}
}

// Every option of the private network must name loopback only.
func TestTorrcStaysOnLoopback(t *testing.T) {
	p := samplePlan()
	for _, n := range p.Nodes {
		text := strings.Join(p.nodeTorrc(n), "\n") + "\n"
		if !strings.Contains(text, "TestingTorNetwork 1\n") || strings.Count(text, "DirAuthority ") != 3 {
			t.Errorf("%s would join another network:\n%s", n.Name, text)
		}
		for line := range strings.Lines(text) {
			if strings.Contains(line, "Port ") && !strings.Contains(line, " 127.0.0.1:") && strings.TrimSpace(line) != "SocksPort 0" {
				t.Errorf("%s listens beyond loopback: %s", n.Name, line)
			}
		}
	}
}
