// Package cli is the voice of both programs.
//
// Its rules: stdout is for data, stderr for people. An error is one line,
// "error: " and a sentence in lower case without period; a second line,
// "hint: ", says what to do when there is something to do. Every command's help
// ends in an example that can be run. Exit codes are distinct and stand in the
// root command's help.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// Exit codes that both programs share.
const (
	OK     = 0
	Failed = 1
	Usage  = 2
)

// A Failure is an error with what the program's caller needs beside it.
type Failure struct {
	Err  error
	Code int
	Hint string // may be empty
}

func (f Failure) Error() string { return f.Err.Error() }
func (f Failure) Unwrap() error { return f.Err }

// usageError marks errors of the command line itself.
type usageError struct{ error }

// Root prepares a program's root command.
func Root(root *cobra.Command) *cobra.Command {
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.DisableDefaultCmd = true
	plainUseLines(root)
	root.SetHelpTemplate(helpTemplate)
	root.SetHelpCommand(&cobra.Command{Hidden: true, Use: "no-help-command"})
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	return root
}

// plainUseLines keeps cobra from adding "[flags]" where the flags that matter
// are written out.
func plainUseLines(cmd *cobra.Command) {
	cmd.DisableFlagsInUseLine = true
	for _, sub := range cmd.Commands() {
		plainUseLines(sub)
	}
}

// helpTemplate ends in the example.
const helpTemplate = `{{with or .Long .Short}}{{. | trimTrailingWhitespaces}}

{{end}}usage:
  {{if .Runnable}}{{.UseLine}}{{else}}{{.CommandPath}} COMMAND{{end}}
{{if .HasAvailableSubCommands}}
commands:{{range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}
{{end}}{{if .HasAvailableLocalFlags}}
flags:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}
{{end}}{{if .HasExample}}
example:
{{.Example}}
{{end}}`

// Args is a cobra argument check whose errors are usage errors that name what
// is missing.
func Args(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < len(names) {
			return usageError{fmt.Errorf("%s is missing", names[len(args)])}
		}
		if len(args) > len(names) {
			return usageError{fmt.Errorf("unexpected argument %q", args[len(names)])}
		}
		return nil
	}
}

// Group is the RunE of a command that only holds others.
func Group(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("unknown command %q", args[0])}
	}
	return cmd.Help()
}

// Run runs the program and returns its exit code. explain turns an error into
// a Failure; it is not asked about errors of the command line.
func Run(ctx context.Context, root *cobra.Command, explain func(error) Failure, args []string, in io.Reader, out, errOut io.Writer) int {
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return OK
	}
	failure := understand(cmd, err, explain)
	fmt.Fprintf(errOut, "error: %s\n", strings.ReplaceAll(failure.Error(), "\n", "; "))
	if failure.Hint != "" {
		fmt.Fprintf(errOut, "hint: %s\n", failure.Hint)
	}
	return failure.Code
}

func understand(cmd *cobra.Command, err error, explain func(error) Failure) Failure {
	var usage usageError
	var failure Failure
	switch {
	case errors.As(err, &failure):
		return failure
	case errors.As(err, &usage), isCobraUsage(err):
		return Failure{Err: err, Code: Usage, Hint: fmt.Sprintf("try: %s --help", cmd.CommandPath())}
	}
	return explain(err)
}

// isCobraUsage knows the errors that cobra makes without a type.
func isCobraUsage(err error) bool {
	text := err.Error()
	return strings.HasPrefix(text, "required flag") || strings.HasPrefix(text, "unknown command") || strings.HasPrefix(text, "if any flags in the group")
}
