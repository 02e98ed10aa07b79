package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
	"sourdine/journalist-ui/desk"
)

func recordAttachCommand() *cobra.Command {
	var f deskFlags
	cmd := &cobra.Command{
		Use:   "attach --home DIR --passphrase-file F RECORD SUBMISSION N",
		Short: "attach an item of a submission to a record and print its exhibit number",
		Long: `attach makes item N of a submission the next exhibit of a record, after checking
that it is here and is what its manifest says. Numbers are given once: attaching
the same item again prints the number it has. RECORD and
SUBMISSION may be the beginnings of the ids.`,
		Example: "  sourdine-desk record attach --home ~/desk --passphrase-file pass.txt 7k3mq-8xw2d mzxw6ytb 1",
		Args:    cli.Args("RECORD", "SUBMISSION", "N"),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := itemNumber(args[2])
			if err != nil {
				return err
			}
			return f.open(cmd, func(ctx context.Context, d *desk.Desk) error {
				record, err := d.Casebook().ResolveRecord(ctx, args[0])
				if err != nil {
					return err
				}
				submission, err := d.Casebook().ResolveSubmission(ctx, args[1])
				if err != nil {
					return err
				}
				x, err := d.Attach(ctx, record, submission, n)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), x.Number)
				return err
			})
		},
	}
	f.add(cmd)
	return cmd
}
