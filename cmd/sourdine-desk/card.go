package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
	"sourdine/journalist-ui/desk"
)

func cardCommand() *cobra.Command {
	var home string
	cmd := &cobra.Command{
		Use:   "card --home DIR",
		Short: "print the reviewer's card, for the admin",
		Long: `card prints the reviewer's public keys, which the admin puts on the roster of a
channel. It holds nothing secret and asks for no passphrase. The admin will read
out a fingerprint: compare it with the one on your screen.`,
		Example: "  sourdine-desk card --home ~/desk > alice.card",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			raw, err := desk.Card(home)
			if err != nil {
				return err
			}
			fingerprint, err := desk.Fingerprint(home)
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.ErrOrStderr(), "fingerprint:", fingerprint)
			_, err = cmd.OutOrStdout().Write(raw)
			return err
		},
	}
	addHome(cmd, &home)
	return cmd
}
