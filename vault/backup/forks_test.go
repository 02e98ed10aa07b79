//go:build long

package backup_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"sourdine/vault/backup"
	"sourdine/vault/vaulttest"
)

// As many checkpoints as there may be are written and read, and their list fits;
// one more is refused.
func TestManyForks(t *testing.T) {
	c, files := contents(10)
	delete(files, forkFile)
	c.Forks = forks(2000)
	for name := range c.Forks {
		c.Forks[name] = random(20)
		files["forks/"+name+".checkpoint"] = c.Forks[name]
	}
	raw := opened(t, vaulttest.V4, c)
	all := entries(t, raw)
	if n := len(all[len(all)-1].content); n < 300<<10 || n > 1<<20 {
		t.Errorf("the manifest has %d bytes", n)
	}
	dir := folder(t)
	if _, err := backup.Extract(ctx, bytes.NewReader(raw), dir); err != nil || !same(tree(t, dir), files) {
		t.Error(err)
	}
	last := slices.IndexFunc(all, func(e entry) bool { return e.Name == "vault.slots" })
	one := all[last-1]
	one.Name = "forks/" + strings.Repeat("F", 64) + ".checkpoint"
	if _, err := backup.Extract(ctx, bytes.NewReader(joined(t, slices.Insert(all, last, one))), folder(t)); !errors.Is(err, backup.ErrDamaged) {
		t.Errorf("one too many: %v", err)
	}
}
