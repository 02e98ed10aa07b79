package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
	"sourdine/journalist-ui/casebook"
	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/visible"
	"sourdine/journalist-ui/witness"
)

func listCommand() *cobra.Command {
	var f deskFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list --home DIR --passphrase-file F",
		Short: "list the submissions, the last imported first",
		Long: `list shows every submission at this desk: id, day, channel, the beginning of the
message, and each item with its number, name, type, size and the beginning of
its SHA-256. --json gives all of it in full.

Names and messages are the source's. Signs that could mislead the eye or the
terminal are shown by their number, like ⟨U+202E⟩.`,
		Example: "  sourdine-desk list --home ~/desk --passphrase-file pass.txt --json",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.open(cmd, func(ctx context.Context, d *desk.Desk) error {
				findings, err := d.Findings()
				if err != nil {
					return err
				}
				all := d.Casebook().Submissions(ctx, "")
				if asJSON {
					return printJSON(cmd.OutOrStdout(), all)
				}
				for s, err := range all {
					if err != nil {
						return err
					}
					printSubmission(cmd.OutOrStdout(), s, findings.Of(s.ID))
				}
				return nil
			})
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

const (
	startOfMessage = 60 // characters
	startOfName    = 60
	startOfSHA256  = 16
)

func printSubmission(w io.Writer, s casebook.Submission, findings []witness.Finding) {
	fmt.Fprintf(w, "%s  %s  %s  %s\n", s.ID, s.Day, visible.Line(s.Channel), visible.Start(s.Message, startOfMessage))
	if s.Doubtful != "" {
		fmt.Fprintf(w, "  ! %s\n", visible.Line(desk.Doubt(s.Doubtful).String()))
	}
	for _, f := range findings {
		says, _ := desk.Sentence(f.Kind)
		fmt.Fprintf(w, "  ! %s%s\n", says, details(f))
	}
	rows := make([][]string, len(s.Items))
	for i, item := range s.Items {
		rows[i] = []string{
			fmt.Sprint(item.N), visible.Start(item.Name, startOfName), visible.Start(item.Type, startOfName),
			fmt.Sprintf("%d bytes", item.Size), item.SHA256[:min(len(item.SHA256), startOfSHA256)],
		}
	}
	printTable(w, "  ", rows)
}
