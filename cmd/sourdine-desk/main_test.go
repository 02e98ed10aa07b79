package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sourdine-desk": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		Setup:               setup(t),
		Cmds:                commands(t),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// The desk is built from nothing that knows how to reach Tor, or a source.
func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	deps := strings.Fields(string(out))
	if !slices.Contains(deps, "sourdine/journalist-ui/unseal") {
		t.Fatal("the list is not this program's")
	}
	for _, dep := range deps {
		for _, never := range []string{"github.com/cretz/bine", "sourdine/onion", "sourdine/submit", "sourdine/journalist-ui/pickup", "sourdine/vault/admin", "net/http/pprof", "golang.org/x/net/proxy", "net/smtp", "net/rpc", "testing"} {
			if dep == never || strings.HasPrefix(dep, never+"/") {
				t.Errorf("the desk is built with %s", dep)
			}
		}
	}
}

// Every command has an example, and one that can be run: it begins with the
// program and the command's own path.
func TestEveryCommandHasAnExample(t *testing.T) {
	var check func(*cobra.Command)
	check = func(cmd *cobra.Command) {
		if cmd.Name() != "no-help-command" && !strings.HasPrefix(strings.TrimSpace(cmd.Example), cmd.CommandPath()) {
			t.Errorf("%s: example %q", cmd.CommandPath(), cmd.Example)
		}
		for _, sub := range cmd.Commands() {
			check(sub)
		}
	}
	check(root())
}

// Sealing is the default; only serve opens its listener first.
func TestOnlyServeListens(t *testing.T) {
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		if cmd.PersistentPreRunE != nil && cmd.HasParent() || cmd.PersistentPreRun != nil {
			t.Errorf("%s replaces the root's sealing", cmd.CommandPath())
		}
		if cmd.Annotations[listens] != "" && cmd.Name() != "serve" {
			t.Errorf("%s is not sealed", cmd.CommandPath())
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(root())
	if root().PersistentPreRunE == nil {
		t.Error("nothing is sealed")
	}
}
