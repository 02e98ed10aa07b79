package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
	"sourdine/vault/admin"
)

func vaultCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "vault COMMAND", Short: "look after the sealed store",
		Example: "  sourdine vault retention --home /var/lib/sourdine",
		RunE:    cli.Group,
	}
	cmd.AddCommand(vaultVerifyCommand(), vaultCompactCommand(), vaultRetentionCommand())
	return cmd
}

func vaultRetentionCommand() *cobra.Command {
	var home, today string
	cmd := &cobra.Command{
		Use:   "retention --home DIR [--today DAY]",
		Short: "delete what the channels' policies want deleted today",
		Long: `retention deletes what the channels' policies want deleted today, and says how
much. A server that runs does so by itself every day; this is for homes that are
served now and then, from a timer. What it deleted cannot be brought back.

A clock that is wrong would delete what nobody has read. So when the day is before
the last one on which this was done, or more than three days after it, nothing is
deleted, and the error says how much would be. If the day is right, say so with
--today: that deletes it. Do not put --today into a timer.`,
		Example: "  sourdine vault retention --home /var/lib/sourdine",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withAdmin(home, func(a admin.Admin) error {
				return runRetention(cmd, a, today)
			})
		},
	}
	addHome(cmd, &home)
	cmd.Flags().StringVar(&today, "today", "", "confirm that this is the day in UTC, as in 2026-11-21")
	return cmd
}

func runRetention(cmd *cobra.Command, a admin.Admin, today string) error {
	if today != "" {
		if err := a.ConfirmDay(cmd.Context(), today); err != nil {
			return err
		}
	}
	done, err := a.Retain(cmd.Context())
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "retention %d\nlimit %d\n", done.ByRetention, done.ByLimit)
	if done.Damaged > 0 {
		return cli.Failure{
			Err:  fmt.Errorf("passed over %d submissions or channels of which something is damaged", done.Damaged),
			Code: exitDamaged, Hint: "see what it is with: sourdine vault verify --home DIR, and restore a backup beside it",
		}
	}
	return nil
}
