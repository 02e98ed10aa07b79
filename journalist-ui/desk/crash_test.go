package desk_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/desk/desktest"
)

// crashHome, in the environment, makes this program a desk that imports the
// parcel on its standard input.
const crashHome = "SOURDINE_TEST_IMPORT"

func TestMain(m *testing.M) {
	home := os.Getenv(crashHome)
	if home == "" {
		os.Exit(m.Run())
	}
	d, err := desk.Open(ctx, home, passphrase)
	if err == nil {
		_, err = d.Import(ctx, os.Stdin)
	}
	if err != nil {
		panic(err)
	}
}

// kill -9 in the middle of an import, at many places; what is there afterwards
// is whole, and importing again completes it.
func TestKilledImport(t *testing.T) {
	home := desktest.NewHome(t)
	v := desktest.NewVault(t)
	const count = 6
	for range count {
		v.Submit(desktest.Certificate(t, home), "message", desktest.File{Data: make([]byte, 300_000)})
	}
	p := v.Parcel()
	seen := map[int]bool{}
	for i := range 6 {
		killImport(t, home, p[:len(p)*i/6])
		d, err := desk.Open(ctx, home, passphrase)
		if err != nil {
			t.Fatalf("after %d kills: %v", i+1, err)
		}
		known := submissions(t, d)
		seen[len(known)] = true
		for id, s := range known {
			if _, err := read(d, id, 1); err != nil || len(s.Items) != 1 {
				t.Errorf("after %d kills: %s: %v", i+1, id, err)
			}
		}
		d.Close()
	}
	d := desktest.Open(t, home)
	report := importParcel(t, d, p)
	known := submissions(t, d)
	if len(known) != count || len(seen) < 3 || len(report.New) == 0 {
		t.Errorf("%d submissions, states seen %v, last import %+v", len(known), seen, report)
	}
	checkWhole(t, d, home, known)
}

// killImport gives the child a part of the parcel and kills it while it waits.
func killImport(t *testing.T, home string, part []byte) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashHome+"="+home)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Write(part); err != nil {
		t.Error(err)
	}
	if len(part) > 0 {
		time.Sleep(50 * time.Millisecond) // for the last bytes in the pipe
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	cmd.Wait()
}

// The instant between "stored" and "entered" is too short to hit; make it.
func TestStoredButNotEntered(t *testing.T) {
	home, other := desktest.NewHome(t), desktest.NewHome(t)
	v := desktest.NewVault(t)
	id := v.Submit(desktest.Certificate(t, home), "message")
	p := v.Parcel()
	importParcel(t, desktest.Open(t, other), p)
	for _, name := range []string{"sealed/" + id, "vault-key"} {
		if err := os.Rename(filepath.Join(other, name), filepath.Join(home, name)); err != nil {
			t.Fatal(err)
		}
	}
	d := desktest.Open(t, home)
	if report := importParcel(t, d, p); len(report.New) != 1 || report.Known != 0 {
		t.Errorf("report %+v", report)
	}
	if submissions(t, d)[id].Message != "message" {
		t.Error("it was not entered")
	}
}
