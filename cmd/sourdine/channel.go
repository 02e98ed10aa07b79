package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
	"sourdine/vault/admin"
)

func channelCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "channel COMMAND", Short: "where sources address submissions",
		Example: "  sourdine channel add --home /var/lib/sourdine Nice",
		RunE:    cli.Group,
	}
	cmd.AddCommand(channelAddCommand(), channelPolicyCommand())
	return cmd
}

func channelAddCommand() *cobra.Command {
	var home string
	cmd := &cobra.Command{
		Use:   "add --home DIR NAME",
		Short: "make a channel, such as a local collective",
		Long: `add makes a channel under the name that sources will read. They see it once it
has a reviewer.`,
		Example: "  sourdine channel add --home /var/lib/sourdine Nice",
		Args:    cli.Args("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withAdmin(home, func(a admin.Admin) error {
				if err := a.AddChannel(cmd.Context(), args[0]); err != nil {
					return err
				}
				fmt.Fprintf(cmd.ErrOrStderr(), "channel %s is made; sources see it once it has a reviewer\n", args[0])
				return nil
			})
		},
	}
	addHome(cmd, &home)
	return cmd
}
