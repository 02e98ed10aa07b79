package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sourdine": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   "testdata",
		Setup: setup(t),
		Cmds:  commands(t),
	})
}

// Every command's help ends in an example that can be run: it begins with the
// program's name and parses.
func TestHelpEndsInAnExample(t *testing.T) {
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		if cmd.Hidden {
			return
		}
		path := strings.Fields(cmd.CommandPath())[1:]
		var out, errOut bytes.Buffer
		code := run(context.Background(), append(path, "--help"), nil, &out, &errOut)
		if code != 0 || errOut.Len() > 0 {
			t.Errorf("%s --help: exit code %d, %s", cmd.CommandPath(), code, errOut.String())
		}
		_, example, found := strings.Cut(out.String(), "\nexample:\n")
		if !found {
			t.Errorf("%s --help has no example at its end:\n%s", cmd.CommandPath(), out.String())
		}
		for line := range strings.Lines(example) {
			checkExample(t, cmd, strings.TrimSpace(line))
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(root())
}

func checkExample(t *testing.T, of *cobra.Command, line string) {
	t.Helper()
	words := strings.Fields(line)
	if len(words) < 2 || words[0] != "sourdine" {
		t.Errorf("%s: the example %q is not a call", of.CommandPath(), line)
		return
	}
	cmd, rest, err := root().Find(words[1:])
	if err == nil {
		err = cmd.ParseFlags(rest)
	}
	if err == nil {
		err = cmd.ValidateRequiredFlags()
	}
	if err == nil {
		err = cmd.ValidateArgs(cmd.Flags().Args())
	}
	if err != nil {
		t.Errorf("%s: the example %q does not parse: %v", of.CommandPath(), line, err)
	}
}

// The exit codes in the help are all there are, and the only ones.
func TestExitCodesStandInTheHelp(t *testing.T) {
	for code, meaning := range map[int]string{
		0: "done", 1: "failed", 2: "command line", exitHome: "home", exitLocked: "in use", exitRefused: "refused",
		exitNotFound: "not there", exitPartly: "part of it was refused", exitDamaged: "home is damaged",
	} {
		found := false
		for line := range strings.Lines(exitCodes) {
			number, text, _ := strings.Cut(strings.TrimSpace(line), "  ")
			found = found || number == string(rune('0'+code)) && strings.Contains(text, meaning)
		}
		if !found {
			t.Errorf("exit code %d, %q, is not in the help", code, meaning)
		}
	}
}

// Who may not read a card is not told to become the home's owner.
func TestHintsAboutPermissions(t *testing.T) {
	denied := &fs.PathError{Op: "open", Path: "x", Err: syscall.EACCES}
	var card cli.Failure
	if !errors.As(unreadable("card", denied), &card) || card.Code != cli.Failed || !strings.Contains(card.Hint, "read the file") {
		t.Errorf("a card: %+v", card)
	}
	if home := explain(fmt.Errorf("failed to open home: %w", denied)); home.Code != cli.Failed || !strings.Contains(home.Hint, "the home belongs to") {
		t.Errorf("a home: %+v", home)
	}
	if missing := unreadable("card", fs.ErrNotExist); errors.As(missing, &card) {
		t.Errorf("a card that is not there: %+v", missing)
	}
}
