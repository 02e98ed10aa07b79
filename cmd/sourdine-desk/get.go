package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
	"sourdine/journalist-ui/desk"
)

func getCommand() *cobra.Command {
	var f deskFlags
	var output string
	cmd := &cobra.Command{
		Use:   "get --home DIR --passphrase-file F SUBMISSION N -o FILE",
		Short: "save an item of a submission, opened",
		Long: `get opens item N of a submission and saves it, after checking that it is byte
for byte what the server sealed. SUBMISSION may be the beginning of the id.

The file lies in the clear from then on, and a document from a stranger can
attack the program that opens it: "sourdine-desk serve" shows text and
pictures without that risk. It gets its name when it is whole; on a file system
that needs a name from the start (FAT) it is FILE.partial until then: delete one
that an interruption left.`,
		Example: "  sourdine-desk get --home ~/desk --passphrase-file pass.txt mzxw6ytb 1 -o document.pdf",
		Args:    cli.Args("SUBMISSION", "N"),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := itemNumber(args[1])
			if err != nil {
				return err
			}
			return f.open(cmd, func(ctx context.Context, d *desk.Desk) error {
				id, err := d.Casebook().ResolveSubmission(ctx, args[0])
				if err != nil {
					return err
				}
				saved, err := d.Save(ctx, id, n, output)
				if err != nil {
					return err
				}
				if err := d.MarkOpened(ctx, id); err != nil {
					return err
				}
				fmt.Fprintf(cmd.ErrOrStderr(), "saved %d bytes, sha256 %s\n", saved.Size, saved.SHA256)
				if !saved.Described {
					fmt.Fprintln(cmd.ErrOrStderr(), "warning: its manifest is damaged, nothing says what the server sealed")
				}
				return nil
			})
		},
	}
	f.add(cmd)
	cmd.Flags().StringVarP(&output, "output", "o", "", "the file to write; it must not exist (required)")
	_ = cmd.MarkFlagRequired("output") // fails only for a flag that is not there
	return cmd
}

func itemNumber(arg string) (int, error) {
	n, err := strconv.Atoi(arg)
	if err != nil || n < 1 {
		return 0, cli.Failure{Err: errors.New("the number of an item is 1 or more"), Code: cli.Usage}
	}
	return n, nil
}
