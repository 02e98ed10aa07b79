package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
	"sourdine/journalist-ui/desk"
)

func deleteCommand() *cobra.Command {
	var f deskFlags
	var yes, withdraw bool
	cmd := &cobra.Command{
		Use:   "delete --home DIR --passphrase-file F SUBMISSION",
		Short: "order the server to delete a submission",
		Long: `delete puts an order into the next return parcel: the server then deletes the
submission for everybody and for good, and the log says who ordered it. The copy
at this desk stays, and so do those at other desks. SUBMISSION may be the
beginning of the id. Until a return parcel has it, --withdraw takes it back.`,
		Example: "  sourdine-desk delete --home ~/desk --passphrase-file pass.txt mzxw6ytb",
		Args:    cli.Args("SUBMISSION"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.open(cmd, func(ctx context.Context, d *desk.Desk) error {
				id, err := d.Casebook().ResolveSubmission(ctx, args[0])
				if err != nil {
					return err
				}
				if withdraw {
					if err := d.WithdrawDeletion(id); err != nil {
						return err
					}
					fmt.Fprintln(cmd.ErrOrStderr(), "the order is taken back: no return parcel has it")
					return nil
				}
				if !yes {
					question := fmt.Sprintf("the server will delete %s for everybody and for good; type yes to order it: ", id)
					if err := confirm(cmd, question, "nothing was ordered"); err != nil {
						return err
					}
				}
				if err := d.OrderDeletion(ctx, id); err != nil {
					return err
				}
				fmt.Fprintln(cmd.ErrOrStderr(), "the order goes with the next return parcel: sourdine-desk return")
				return nil
			})
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&withdraw, "withdraw", false, "take an order back that no return parcel has yet")
	return cmd
}

// confirm asks a person; without one the answer must be on the command line.
func confirm(cmd *cobra.Command, question, nothing string) error {
	refused := cli.Failure{Err: errors.New(nothing), Code: cli.Failed}
	in, ok := cmd.InOrStdin().(*os.File)
	if ok {
		info, err := in.Stat()
		ok = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	if !ok {
		refused.Hint = "say --yes where nobody can be asked"
		return refused
	}
	fmt.Fprint(cmd.ErrOrStderr(), question)
	answer, err := readLine(in)
	if err != nil {
		return fmt.Errorf("failed to read the answer: %w", err)
	}
	if line, _, _ := bytes.Cut(answer, []byte("\n")); string(bytes.TrimSpace(line)) != "yes" {
		return refused
	}
	return nil
}
