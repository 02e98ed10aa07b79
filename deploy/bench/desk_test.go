//go:build bench

package bench

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// carry exports what is for the desk, and prints what its import and audit cost.
func (a *archive) carry(t *testing.T) {
	parcel := filepath.Join(t.TempDir(), "parcel.tar")
	exported, _ := run(t, nil, "sourdine", "parcel", "export", "--home", a.home, "--reviewer", "Camille", "-o", parcel)
	imported, ids := a.atDesk(t, "import", parcel)
	if n := strings.Count(ids, "\n"); n != forDesk {
		t.Fatalf("%d submissions came in, of %d", n, forDesk)
	}
	again, ids := a.atDesk(t, "import", parcel)
	if ids != "" {
		t.Errorf("the same parcel again brought something new: %s", ids)
	}
	audited, said := a.atDesk(t, "audit")
	if !strings.Contains(said, fmt.Sprintf("submissions: %d here", forDesk)) {
		t.Errorf("the audit says %s", said)
	}
	fmt.Printf("\n%d submissions of 1 KiB to a desk, from a log of %d\n", forDesk, archived)
	fmt.Printf("  %-32s %s\n", "sourdine parcel export", exported)
	fmt.Printf("  %-32s %s; %.0f/s\n", "sourdine-desk import", imported, forDesk/imported.wall.Seconds())
	fmt.Printf("  %-32s %s\n", "sourdine-desk import, again", again)
	fmt.Printf("  %-32s %s; %.0f/s\n", "sourdine-desk audit", audited, forDesk/audited.wall.Seconds())
}

// atDesk runs a command of the desk.
func (a *archive) atDesk(t *testing.T, command string, args ...string) (cost, string) {
	t.Helper()
	args = append([]string{command, "--home", a.desk, "--passphrase-file", a.password}, args...)
	return run(t, nil, "sourdine-desk", args...)
}
