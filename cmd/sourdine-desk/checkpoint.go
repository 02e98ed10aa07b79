package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/witness"
	"sourdine/vault/spoken"
	"sourdine/vault/translog"
)

func checkpointCommand() *cobra.Command {
	var f deskFlags
	cmd := &cobra.Command{
		Use:   "checkpoint --home DIR --passphrase-file F",
		Short: "print how far this desk has seen the vault's log, to show to others",
		Long: `checkpoint prints the last head of the log that the vault signed and this desk
verified. Give it to the other reviewers, on paper, by mail, in public: whoever
was shown another log by the server finds that out with "sourdine-desk compare".`,
		Example: "  sourdine-desk checkpoint --home ~/desk --passphrase-file pass.txt > checkpoint",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.open(cmd, func(_ context.Context, d *desk.Desk) error {
				head, err := d.LogHead()
				if err != nil {
					return err
				}
				if head.Checkpoint == nil {
					return desk.ErrNoVault
				}
				fmt.Fprintf(cmd.ErrOrStderr(), "%d leaves; in words, for desks that have seen as many: %s\n",
					head.Size, strings.Join(spoken.Checkpoint(head.Checkpoint, "en"), " "))
				_, err = cmd.OutOrStdout().Write(head.Checkpoint)
				return err
			})
		},
	}
	f.add(cmd)
	return cmd
}

func compareCommand() *cobra.Command {
	var f deskFlags
	cmd := &cobra.Command{
		Use:   "compare --home DIR --passphrase-file F FILE",
		Short: "compare another desk's checkpoint with what this desk has seen",
		Long: `compare takes the checkpoint that another desk printed. If the vault showed that
desk another log than this one, it says so and keeps both checkpoints, which the
vault signed, as evidence. A checkpoint of more than this desk has seen is kept
and compared at the next import.`,
		Example: "  sourdine-desk compare --home ~/desk --passphrase-file pass.txt checkpoint-of-bob",
		Args:    cli.Args("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			signed, err := readCheckpoint(args[0])
			if err != nil {
				return err
			}
			return f.open(cmd, func(_ context.Context, d *desk.Desk) error {
				return tellComparison(cmd, d.Compare(signed))
			})
		},
	}
	f.add(cmd)
	return cmd
}

func readCheckpoint(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("failed to open the checkpoint: %w", err)
	}
	defer f.Close()
	signed, err := io.ReadAll(io.LimitReader(f, translog.MaxCheckpoint+1))
	if err != nil {
		return nil, fmt.Errorf("failed to read the checkpoint: %w", err)
	}
	return signed, nil
}

func tellComparison(cmd *cobra.Command, err error) error {
	var refused *witness.Refused
	switch {
	case err == nil:
		fmt.Fprintln(cmd.ErrOrStderr(), "the vault showed that desk the same log as this one")
	case errors.Is(err, witness.ErrNotYet):
		fmt.Fprintln(cmd.ErrOrStderr(), "that desk has seen more of the log than this one: it is compared at the next import")
	case errors.Is(err, witness.ErrBeforeRestore):
		fmt.Fprintf(cmd.ErrOrStderr(), "%v: its log is what this desk had seen before; compare again when it has\n", err)
	case errors.As(err, &refused):
		tellFindings(cmd.ErrOrStderr(), []witness.Finding{refused.Finding})
		return cli.Failure{Err: errors.New("the checkpoints do not belong to one log"), Code: exitFindings, Hint: "keep that desk's checkpoint, too"}
	default:
		return err
	}
	return nil
}
