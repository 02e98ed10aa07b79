package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
	"sourdine/vault/admin"
)

func vaultCompactCommand() *cobra.Command {
	var home string
	cmd := &cobra.Command{
		Use:   "compact --home DIR",
		Short: "write the vault anew, without what was deleted",
		Long: `compact writes the vault anew, without the pages that held what was deleted, and
prints its size before and after. Uploads wait meanwhile, and the disk must have
room for the new file. A server that runs does so by itself once a week, or when
more than half of the file is free.`,
		Example: "  sourdine vault compact --home /var/lib/sourdine",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withAdmin(home, func(a admin.Admin) error {
				done, err := a.Compact(cmd.Context())
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "before %d bytes\nafter %d bytes\n", done.Before, done.After)
				return nil
			})
		},
	}
	addHome(cmd, &home)
	return cmd
}
