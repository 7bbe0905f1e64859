// An operator made with controller-runtime, unchanged, against the cluster of KUBECONFIG: a custom resource with two
// versions and a conversion webhook, defaulting and validating webhooks served from this host, finalizers, owner
// references, leader election by Lease, status and events. It runs under a service account of its own.
package main

import (
	"context"
	"crypto/tls"
	_ "embed"
	"encoding/base64"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/webhook"

	v1 "orrery.dev/test/clients/go-operator/api/v1"
	"orrery.dev/test/clients/go-operator/api/v1alpha1"
)

const (
	namespace = "garden"
	lease     = "gardener"
	timeout   = 2 * time.Minute
)

//go:embed manifests.yaml
var manifests string

func main() {
	log.SetFlags(0)
	ctrl.SetLogger(logr.Discard())
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

func newScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			log.Fatal(err)
		}
	}
	return scheme
}

func run(ctx context.Context) error {
	admin, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return err
	}
	warnings := &warningLog{}
	admin.WarningHandler = warnings
	scheme := newScheme()
	c, err := client.New(admin, client.Options{Scheme: scheme})
	if err != nil {
		return err
	}
	certificate, bundle, err := selfSigned()
	if err != nil {
		return err
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	if err := install(ctx, c, fmt.Sprintf("https://127.0.0.1:%d", port), bundle); err != nil {
		return fmt.Errorf("install: %w", err)
	}
	config, err := serviceAccountConfig(ctx, c, admin)
	if err != nil {
		return fmt.Errorf("token: %w", err)
	}

	server := webhook.NewServer(webhook.Options{Host: "127.0.0.1", Port: port, TLSOpts: []func(*tls.Config){func(c *tls.Config) {
		c.Certificates = []tls.Certificate{certificate}
		c.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &certificate, nil }
	}}})
	g := &garden{client: c, scheme: scheme, config: config, warnings: warnings, webhooks: server}
	return g.check(ctx)
}

// install creates all that the operator needs, its definition first.
func install(ctx context.Context, c client.Client, url string, bundle []byte) error {
	filled := strings.NewReplacer("URL", url, "CA", base64.StdEncoding.EncodeToString(bundle)).Replace(manifests)
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(filled), 4096)
	for {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(object); err != nil {
			if err.Error() == "EOF" {
				return nil
			}
			return err
		}
		if err := c.Create(ctx, object); err != nil {
			return fmt.Errorf("%s %s: %w", object.GetKind(), object.GetName(), err)
		}
		if object.GetKind() != "CustomResourceDefinition" {
			continue
		}
		if err := eventually(ctx, func() error { return established(ctx, c, object) }); err != nil {
			return err
		}
	}
}

func established(ctx context.Context, c client.Client, definition *unstructured.Unstructured) error {
	if err := c.Get(ctx, client.ObjectKeyFromObject(definition), definition); err != nil {
		return err
	}
	conditions, _, err := unstructured.NestedSlice(definition.Object, "status", "conditions")
	for _, condition := range conditions {
		if c := condition.(map[string]any); c["type"] == "Established" && c["status"] == "True" {
			return nil
		}
	}
	return fmt.Errorf("not established: %v %w", conditions, err)
}

// serviceAccountConfig answers how the operator reaches the cluster: by a token of its own, as in a pod.
func serviceAccountConfig(ctx context.Context, c client.Client, admin *rest.Config) (*rest.Config, error) {
	account := &corev1.ServiceAccount{}
	account.Name, account.Namespace = "gardener", namespace
	request := &authenticationv1.TokenRequest{}
	if err := c.SubResource("token").Create(ctx, account, request); err != nil {
		return nil, err
	}
	config := rest.AnonymousClientConfig(admin)
	config.BearerToken = request.Status.Token
	return config, nil
}

// startManager runs a manager that is a candidate for the lease; with webhooks it serves them too, leading or not.
func (g *garden) startManager(ctx context.Context, name string, webhooks webhook.Server) (manager.Manager, <-chan error, error) {
	leaseDuration, renewDeadline, retryPeriod := 15*time.Second, 10*time.Second, 200*time.Millisecond
	m, err := ctrl.NewManager(g.config, ctrl.Options{
		Scheme:                        g.scheme,
		Metrics:                       metricsserver.Options{BindAddress: "0"},
		WebhookServer:                 webhooks,
		LeaderElection:                true,
		LeaderElectionID:              lease,
		LeaderElectionNamespace:       namespace,
		LeaderElectionReleaseOnCancel: true,
		LeaseDuration:                 &leaseDuration,
		RenewDeadline:                 &renewDeadline,
		RetryPeriod:                   &retryPeriod,
	})
	if err != nil {
		return nil, nil, err
	}
	reconciler := &bedReconciler{Client: m.GetClient(), recorder: m.GetEventRecorder("gardener"), gardener: name}
	again := true
	err = ctrl.NewControllerManagedBy(m).For(&v1.Bed{}).Owns(&appsv1.Deployment{}).WithOptions(controller.Options{SkipNameValidation: &again}).Complete(reconciler)
	if err != nil {
		return nil, nil, err
	}
	if webhooks != nil {
		err = ctrl.NewWebhookManagedBy(m, &v1.Bed{}).WithDefaulter(bedDefaulter{}).WithValidator(bedValidator{}).Complete()
		if err != nil {
			return nil, nil, err
		}
	}
	ended := make(chan error, 1)
	go func() { ended <- m.Start(ctx) }()
	return m, ended, nil
}
