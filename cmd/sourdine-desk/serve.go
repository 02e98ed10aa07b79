package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
	journalist "sourdine/journalist-ui"
	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/offline"
	"sourdine/journalist-ui/preview"
)

func serveCommand() *cobra.Command {
	var home, passphraseFile, listen string
	cmd := &cobra.Command{
		Use:   "serve --home DIR",
		Short: "show the desk's pages to the browser of this machine",
		Long: `serve shows the desk's pages on this machine only, until it is stopped. It prints
an address that works once: open it in a private window of a browser, which keeps
no history of what it showed. Without --passphrase-file the first page asks for
the passphrase.

The program gives up the network before it opens the home. Other commands may be
used meanwhile: what "import" brings is there at the next reload.`,
		Example:     "  sourdine-desk serve --home ~/desk --listen 127.0.0.1:8082",
		Args:        cli.Args(),
		Annotations: map[string]string{listens: "yes"},
		RunE: func(cmd *cobra.Command, _ []string) error {
			listener, err := offline.Listen(listen)
			if err != nil {
				return refuseAddress(err)
			}
			defer listener.Close()
			if err := offline.Seal(); err != nil {
				return err
			}
			return serve(cmd, listener, home, passphraseFile)
		},
	}
	addHome(cmd, &home)
	cmd.Flags().StringVar(&passphraseFile, "passphrase-file", "", "the file whose first line is the passphrase, - for standard input")
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:0", "the address to listen on, of this machine itself; port 0 for any free one")
	return cmd
}

// refuseAddress tells an address that may not be from one that is taken.
func refuseAddress(err error) error {
	var taken *net.OpError
	if errors.As(err, &taken) {
		return cli.Failure{Err: err, Code: cli.Failed, Hint: "choose another port, or 0 for any free one"}
	}
	return cli.Failure{Err: err, Code: cli.Usage}
}

func serve(cmd *cobra.Command, listener net.Listener, home, passphraseFile string) error {
	if _, err := desk.Fingerprint(home); err != nil { // before a page asks for a passphrase in vain
		return err
	}
	config, err := siteConfig(cmd, listener, home)
	if err != nil {
		return err
	}
	if passphraseFile != "" {
		passphrase, err := readPassphrase(cmd, passphraseFile)
		if err != nil {
			return err
		}
		if config.Desk, err = openDesk(cmd, home, passphrase); err != nil {
			return err
		}
		defer config.Desk.Close()
	}
	site, err := journalist.New(config)
	if err != nil {
		return err
	}
	defer site.Close()
	fmt.Fprintln(cmd.OutOrStdout(), "desk", site.URL())
	fmt.Fprintln(cmd.ErrOrStderr(), "open the address in a private window of a browser on this machine: it works once; stop with Ctrl-C")
	return serveUntilStopped(cmd.Context(), listener, site)
}

func siteConfig(cmd *cobra.Command, listener net.Listener, home string) (journalist.Config, error) {
	exe, err := os.Executable()
	if err != nil {
		return journalist.Config{}, fmt.Errorf("failed to find the program's own file: %w", err)
	}
	return journalist.Config{
		Address: listener.Addr().String(),
		Preview: preview.New(exe, workerCommand),
		Failed:  func(err error) { fmt.Fprintf(cmd.ErrOrStderr(), "error: %v\n", err) },
		// Not the request's context: the desk outlives it.
		Unlock: func(_ context.Context, passphrase []byte) (*desk.Desk, error) {
			return openDesk(cmd, home, passphrase)
		},
	}, nil
}

// serveUntilStopped serves until ctx ends, then lets running requests end, for
// a moment.
func serveUntilStopped(ctx context.Context, listener net.Listener, site *journalist.Site) error {
	const patience = 3 * time.Second
	server := &http.Server{
		Handler:           site,
		ReadHeaderTimeout: 10 * time.Second, // the site has its own patience with bodies
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          log.New(io.Discard, "", 0), // it would name paths
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("failed to serve: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		server.Close()
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("failed to serve: %w", err)
	}
	return nil
}
