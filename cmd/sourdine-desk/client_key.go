package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
	"sourdine/journalist-ui/desk"
)

func clientKeyCommand() *cobra.Command {
	var f deskFlags
	var onion string
	cmd := &cobra.Command{
		Use:   "client-key --home DIR --passphrase-file F",
		Short: "print the private key that opens the pickup site in Tor Browser",
		Long: `client-key prints the private Tor client key. Tor Browser asks for it at the
first visit to the pickup site. With --onion it prints the line of a
.auth_private file for a Tor of your own instead.

This key must leave the desk, since Tor Browser runs on another machine. It
opens the door to parcels, not the parcels: those stay sealed. Carry it on paper
or on the stick, and wipe the copy.`,
		Example: "  sourdine-desk client-key --home ~/desk --passphrase-file pass.txt",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.open(cmd, func(_ context.Context, d *desk.Desk) error {
				key, err := d.ClientKey()
				if err != nil {
					return err
				}
				line := key.Encode()
				if onion != "" {
					line = key.AuthLine(onion)
				}
				fmt.Fprintln(cmd.ErrOrStderr(), "warning: this is a private key: whoever has it reaches the pickup site as you")
				_, err = fmt.Fprintln(cmd.OutOrStdout(), line)
				return err
			})
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&onion, "onion", "", "the pickup site's address, for the line of a .auth_private file")
	return cmd
}
