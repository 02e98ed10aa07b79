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
)

func recordListCommand() *cobra.Command {
	var f deskFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list --home DIR --passphrase-file F",
		Short:   "list the records with their fields and exhibits, the last added first",
		Example: "  sourdine-desk record list --home ~/desk --passphrase-file pass.txt --json",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.open(cmd, func(ctx context.Context, d *desk.Desk) error {
				all := d.Casebook().Records(ctx, "")
				if asJSON {
					return printJSON(cmd.OutOrStdout(), all)
				}
				for r, err := range all {
					if err != nil {
						return err
					}
					printRecord(cmd.OutOrStdout(), r)
				}
				return nil
			})
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printRecord(w io.Writer, r casebook.Record) {
	fmt.Fprintf(w, "%s  %s\n", r.ID, visible.Line(r.Title))
	var rows [][]string
	for _, f := range r.Fields {
		rows = append(rows, []string{visible.Line(f.Key) + ":", visible.Start(f.Value, startOfMessage)})
	}
	for _, x := range r.Exhibits {
		rows = append(rows, []string{fmt.Sprintf("exhibit %d:", x.Number), visible.Start(x.Name, startOfName)})
	}
	printTable(w, "  ", rows)
}
