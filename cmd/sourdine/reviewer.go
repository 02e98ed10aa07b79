package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
	"sourdine/vault/admin"
	"sourdine/vault/card"
)

func reviewerCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "reviewer COMMAND", Short: "who can read what a channel receives",
		Example: "  sourdine reviewer add --home /var/lib/sourdine --channel Nice alice.card",
		RunE:    cli.Group,
	}
	cmd.AddCommand(reviewerAddCommand(), reviewerRemoveCommand())
	return cmd
}

func reviewerAddCommand() *cobra.Command {
	var home, channel string
	cmd := &cobra.Command{
		Use:   "add --home DIR --channel NAME CARD",
		Short: "put a reviewer on a channel's roster",
		Long: `add puts the reviewer of a card on a channel's roster. The card comes from
"sourdine-desk card"; an OpenPGP certificate from GnuPG or a smartcard is taken
as well, without access to pickup. What is sent from now on is sealed to this
reviewer too; what was sent before is not.

A certificate that was renewed (it has the fingerprint of one on the roster, and is
another all the same: it expires later, say) takes the place of the older one.

Compare the fingerprint that is printed with the reviewer, in person or by
telephone: the card may have been exchanged on its way.`,
		Example: "  sourdine reviewer add --home /var/lib/sourdine --channel Nice alice.card",
		Args:    cli.Args("CARD"),
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := readCard(args[0])
			if err != nil {
				return err
			}
			return withAdmin(home, func(a admin.Admin) error {
				r, err := a.AddReviewer(cmd.Context(), channel, raw)
				if err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), r.Fingerprint)
				fmt.Fprintln(cmd.ErrOrStderr(), "compare this fingerprint with the reviewer's before you rely on it")
				if r.Renewed {
					fmt.Fprintln(cmd.ErrOrStderr(), "it took the place of this reviewer's older certificate")
				}
				if !r.Pickup {
					fmt.Fprintln(cmd.ErrOrStderr(), "the card has no Tor client key: this reviewer cannot reach pickup")
				}
				return nil
			})
		},
	}
	addHome(cmd, &home)
	cmd.Flags().StringVar(&channel, "channel", "", "the channel's name (required)")
	_ = cmd.MarkFlagRequired("channel") // fails only for a flag that is not there
	return cmd
}

func readCard(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, unreadable("card", err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, card.MaxSize+1)) // one byte over: refused by the reader of cards
	if err != nil {
		return nil, fmt.Errorf("failed to read the card: %w", err)
	}
	return raw, nil
}
