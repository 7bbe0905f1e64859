// client-go, unchanged, against the cluster of KUBECONFIG: typed clients in protobuf, an informer that streams its first
// list, a rollout, server-side apply, pages, metadata only, a delete.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	corev1apply "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/pager"
	"k8s.io/client-go/util/retry"
)

const (
	namespace = "client-go"
	replicas  = 3
	timeout   = time.Minute
)

func main() {
	log.SetFlags(0)
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return err
	}
	config.ContentType = "application/vnd.kubernetes.protobuf"
	config.AcceptContentTypes = config.ContentType
	asked := &requestLog{}
	config.Wrap(asked.wrap)
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	object := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	if _, err := client.CoreV1().Namespaces().Create(ctx, object, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("namespace: %w", err)
	}

	ready := watchReadyPods(ctx, client)
	deployments := client.AppsV1().Deployments(namespace)
	if _, err := deployments.Create(ctx, deployment(), metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("deployment: %w", err)
	}
	if _, err := deployments.Create(ctx, deployment(), metav1.CreateOptions{}); !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("a second create gave %v", err)
	}
	if err := await(ctx, ready, replicas); err != nil {
		return err
	}
	err = retry.RetryOnConflict(retry.DefaultRetry, func() error {
		current, err := deployments.Get(ctx, "web", metav1.GetOptions{})
		if err != nil {
			return err
		}
		none := int32(0)
		current.Spec.Replicas = &none
		_, err = deployments.Update(ctx, current, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		return fmt.Errorf("update: %w", err)
	}
	if err := await(ctx, ready, 0); err != nil {
		return err
	}
	if !asked.has("/namespaces/"+namespace+"/pods?allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan&sendInitialEvents=true") || asked.has("/pods?limit=500") {
		return fmt.Errorf("the informer did not stream its list: %q", asked.urls)
	}
	if err := apply(ctx, client); err != nil {
		return fmt.Errorf("apply: %w", err)
	}
	if err := pages(ctx, client, config); err != nil {
		return fmt.Errorf("pages: %w", err)
	}
	if told := asked.others(); len(told) > 0 {
		return fmt.Errorf("answers that are no protobuf: %q", told)
	}
	return client.CoreV1().Namespaces().Delete(ctx, namespace, metav1.DeleteOptions{})
}

// apply has two managers, of whom the second must force.
func apply(ctx context.Context, client kubernetes.Interface) error {
	maps := client.CoreV1().ConfigMaps(namespace)
	colour := func(value string) *corev1apply.ConfigMapApplyConfiguration {
		return corev1apply.ConfigMap("applied", namespace).WithData(map[string]string{"colour": value}).WithLabels(map[string]string{"suite": "go"})
	}
	if _, err := maps.Apply(ctx, colour("red"), metav1.ApplyOptions{FieldManager: "one"}); err != nil {
		return err
	}
	_, err := maps.Apply(ctx, colour("blue"), metav1.ApplyOptions{FieldManager: "two"})
	if cause, found := apierrors.StatusCause(err, metav1.CauseTypeFieldManagerConflict); !found || cause.Field != ".data.colour" || !apierrors.IsConflict(err) {
		return fmt.Errorf("a conflict gave %v", err)
	}
	applied, err := maps.Apply(ctx, colour("blue"), metav1.ApplyOptions{FieldManager: "two", Force: true})
	if err != nil {
		return err
	}
	owned, err := corev1apply.ExtractConfigMap(applied, "two")
	if err != nil {
		return err
	}
	if owned.Data["colour"] != "blue" || owned.Labels["suite"] != "go" {
		return fmt.Errorf("extracted %+v", owned)
	}
	return nil
}

// pages lists in pages of two, whole objects and their metadata alone.
func pages(ctx context.Context, client kubernetes.Interface, config *rest.Config) error {
	const count = 5
	for i := range count {
		object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("page-", i), Labels: map[string]string{"paged": ""}}}
		if _, err := client.CoreV1().ConfigMaps(namespace).Create(ctx, object, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	selected := metav1.ListOptions{LabelSelector: "paged"}
	lists := pager.New(pager.SimplePageFunc(func(options metav1.ListOptions) (runtime.Object, error) {
		return client.CoreV1().ConfigMaps(namespace).List(ctx, options)
	}))
	lists.PageSize = 2
	seen := 0
	if err := lists.EachListItem(ctx, selected, func(runtime.Object) error { seen++; return nil }); err != nil {
		return err
	}
	partial, err := metadata.NewForConfig(metadata.ConfigFor(config))
	if err != nil {
		return err
	}
	resource := partial.Resource(corev1.SchemeGroupVersion.WithResource("configmaps")).Namespace(namespace)
	items, err := resource.List(ctx, selected)
	if err != nil {
		return err
	}
	if err := resource.DeleteCollection(ctx, metav1.DeleteOptions{}, selected); err != nil {
		return err
	}
	left, err := resource.List(ctx, selected)
	if err != nil {
		return err
	}
	if seen != count || len(items.Items) != count || len(left.Items) != 0 {
		return fmt.Errorf("saw %d, metadata of %d, then %d", seen, len(items.Items), len(left.Items))
	}
	return nil
}

// requestLog keeps what was asked, and which answers came in another form than was asked for.
type requestLog struct {
	mutex        sync.Mutex
	urls, strays []string
}

func (l *requestLog) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		response, err := next.RoundTrip(request)
		l.mutex.Lock()
		defer l.mutex.Unlock()
		l.urls = append(l.urls, request.URL.RequestURI())
		if err == nil && !strings.HasPrefix(response.Header.Get("Content-Type"), "application/vnd.kubernetes.protobuf") {
			l.strays = append(l.strays, request.Method+" "+request.URL.RequestURI()+" "+response.Header.Get("Content-Type"))
		}
		return response, err
	})
}

func (l *requestLog) has(part string) bool {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return slices.ContainsFunc(l.urls, func(url string) bool { return strings.Contains(url, part) })
}

func (l *requestLog) others() []string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.strays
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

// watchReadyPods reports how many pods are ready, whenever that changes.
func watchReadyPods(ctx context.Context, client kubernetes.Interface) <-chan int {
	counts := make(chan int, 100)
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(namespace))
	informer := factory.Core().V1().Pods()
	report := func() {
		ready := 0
		for _, item := range informer.Informer().GetStore().List() {
			for _, condition := range item.(*corev1.Pod).Status.Conditions {
				if condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue {
					ready++
				}
			}
		}
		select {
		case counts <- ready:
		default:
		}
	}
	informer.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { report() },
		UpdateFunc: func(any, any) { report() },
		DeleteFunc: func(any) { report() },
	})
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	return counts
}

func await(ctx context.Context, counts <-chan int, want int) error {
	last := -1
	for {
		select {
		case last = <-counts:
			if last == want {
				return nil
			}
		case <-ctx.Done():
			return fmt.Errorf("waited for %d ready pods, saw %d last", want, last)
		}
	}
}

func deployment() *appsv1.Deployment {
	labels := map[string]string{"app": "web"}
	count := int32(replicas)
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: appsv1.DeploymentSpec{
			Replicas: &count,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "nginx:1.28"}}},
			},
		},
	}
}
