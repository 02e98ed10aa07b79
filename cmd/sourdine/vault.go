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
	var home string
	cmd := &cobra.Command{
		Use:   "retention --home DIR",
		Short: "delete what the channels' policies want deleted today",
		Long: `retention deletes what the channels' policies want deleted today, and says how
much. A server that runs does so by itself every day; this is for homes that are
served now and then, from a timer. What it deleted cannot be brought back.`,
		Example: "  sourdine vault retention --home /var/lib/sourdine",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withAdmin(home, func(a admin.Admin) error {
				done, err := a.Retain(cmd.Context())
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "retention %d\nlimit %d\n", done.ByRetention, done.ByLimit)
				return nil
			})
		},
	}
	addHome(cmd, &home)
	return cmd
}
