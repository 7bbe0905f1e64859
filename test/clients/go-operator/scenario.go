package main

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/webhook"

	v1 "orrery.dev/test/clients/go-operator/api/v1"
	"orrery.dev/test/clients/go-operator/api/v1alpha1"
)

// garden is the operator under test, and its user.
type garden struct {
	client   client.Client
	scheme   *runtime.Scheme
	config   *rest.Config
	warnings *warningLog
	webhooks webhook.Server
}

// check runs two managers and all that a user may do meanwhile.
func (g *garden) check(ctx context.Context) error {
	firstCtx, stopFirst := context.WithCancel(ctx)
	defer stopFirst()
	first, firstEnded, err := g.startManager(firstCtx, "first", nil)
	if err != nil {
		return err
	}
	select {
	case <-first.Elected():
	case err := <-firstEnded:
		return fmt.Errorf("the first manager ended: %w", err)
	case <-ctx.Done():
		return errors.New("nobody was elected")
	}
	second, secondEnded, err := g.startManager(ctx, "second", g.webhooks)
	if err != nil {
		return err
	}
	if err := eventually(ctx, func() error { return g.webhooks.StartedChecker()(nil) }); err != nil {
		return fmt.Errorf("webhooks: %w", err)
	}
	steps := []struct {
		name string
		run  func(context.Context) error
	}{
		{"defaulting, conversion and warnings", g.versions},
		{"refusals", g.refusals},
		{"status, owner and events", g.reconciled},
		{"changes", g.changes},
		{"deletion", g.deletion},
	}
	for _, step := range steps {
		if err := step.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		fmt.Println("ok  ", step.name)
	}
	select {
	case <-second.Elected():
		return errors.New("there were two leaders")
	default:
	}
	stopFirst()
	if err := <-firstEnded; err != nil {
		return fmt.Errorf("the first manager ended: %w", err)
	}
	if err := g.succession(ctx, second.Elected(), secondEnded); err != nil {
		return fmt.Errorf("leader election: %w", err)
	}
	fmt.Println("ok   leader election")
	return nil
}

func bed(name, crop string, plants int32) *v1.Bed {
	return &v1.Bed{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}, Spec: v1.BedSpec{Crop: crop, Plants: plants}}
}

func key(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: namespace, Name: name}
}

// versions creates a Bed in the old version, which is defaulted in the new one, and reads it in both.
func (g *garden) versions(ctx context.Context) error {
	old := &v1alpha1.Bed{ObjectMeta: metav1.ObjectMeta{Name: "carrots", Namespace: namespace}, Spec: v1alpha1.BedSpec{Crop: "carrot", Plants: "2"}}
	if err := g.client.Create(ctx, old); err != nil {
		return err
	}
	if got := old.Annotations["garden.example.com/soil"]; got != defaultSoil {
		return fmt.Errorf("the default came back as %q", got)
	}
	if !g.warnings.has("garden.example.com/v1alpha1 Bed is deprecated") {
		return fmt.Errorf("no warning of the deprecated version in %q", g.warnings.all())
	}
	stored := &v1.Bed{}
	if err := g.client.Get(ctx, key("carrots"), stored); err != nil {
		return err
	}
	if want := (v1.BedSpec{Crop: "carrot", Plants: 2, Soil: defaultSoil}); stored.Spec != want {
		return fmt.Errorf("stored %+v", stored.Spec)
	}
	list := &v1alpha1.BedList{}
	if err := g.client.List(ctx, list, client.InNamespace(namespace)); err != nil {
		return err
	}
	if len(list.Items) != 1 || list.Items[0].Spec.Plants != "2" {
		return fmt.Errorf("listed %+v", list.Items)
	}
	bad := &v1alpha1.Bed{ObjectMeta: metav1.ObjectMeta{Name: "bad", Namespace: namespace}, Spec: v1alpha1.BedSpec{Crop: "carrot", Plants: "few"}}
	return refused(g.client.Create(ctx, bad), `"few" is no number of plants`)
}

func (g *garden) refusals(ctx context.Context) error {
	err := g.client.Create(ctx, bed("rice", "rice", 1))
	if !apierrors.IsInvalid(err) {
		return fmt.Errorf("rice in loam gave %v", err)
	}
	if err := refused(err, `admission webhook "validate.garden.example.com" denied the request: Bed.garden.example.com "rice" is invalid: spec.soil: Unsupported value: "loam": supported values: "paddy"`); err != nil {
		return err
	}
	if cause, found := apierrors.StatusCause(err, metav1.CauseTypeFieldValueNotSupported); !found || cause.Field != "spec.soil" {
		return fmt.Errorf("causes of %#v", err)
	}
	if err := refused(g.client.Create(ctx, bed("few", "leek", -1)), "spec.plants: Invalid value: -1: spec.plants in body should be greater than or equal to 0"); err != nil {
		return err
	}
	rehearsed := bed("many", "leek", 101)
	if err := g.client.Create(ctx, rehearsed, client.DryRunAll); err != nil {
		return err
	}
	if rehearsed.Spec.Soil != defaultSoil || !g.warnings.has("more than 100 plants are hard to water") {
		return fmt.Errorf("a dry run gave %+v and warned %q", rehearsed.Spec, g.warnings.all())
	}
	if err := g.client.Get(ctx, key("many"), rehearsed); !apierrors.IsNotFound(err) {
		return fmt.Errorf("after a dry run: %v", err)
	}
	patch := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"crop":"beet"}}`))
	return refused(g.client.Patch(ctx, bed("carrots", "", 0), patch), "denied the request: carrot cannot become beet")
}

func (g *garden) reconciled(ctx context.Context) error {
	if err := g.awaitReady(ctx, "carrots", 2); err != nil {
		return err
	}
	planted, deployment := &v1.Bed{}, &appsv1.Deployment{}
	if err := errors.Join(g.client.Get(ctx, key("carrots"), planted), g.client.Get(ctx, key("carrots"), deployment)); err != nil {
		return err
	}
	yes := true
	owner := metav1.OwnerReference{APIVersion: "garden.example.com/v1", Kind: "Bed", Name: "carrots", UID: planted.UID, Controller: &yes, BlockOwnerDeletion: &yes}
	if got := deployment.OwnerReferences; len(got) != 1 || !reflect.DeepEqual(got[0], owner) {
		return fmt.Errorf("owners %+v", got)
	}
	if got := planted.Finalizers; len(got) != 1 || got[0] != finalizer {
		return fmt.Errorf("finalizers %v", got)
	}
	return eventually(ctx, func() error {
		list := &eventsv1.EventList{}
		if err := g.client.List(ctx, list, client.InNamespace(namespace)); err != nil {
			return err
		}
		for _, event := range list.Items {
			if event.Reason == "Planted" && event.Regarding.UID == planted.UID && event.Note == "carrot in loam" && event.ReportingController == "gardener" {
				return nil
			}
		}
		return fmt.Errorf("events %+v", list.Items)
	})
}

// changes scales a Bed, writes where nothing may change, and removes what the operator has made.
func (g *garden) changes(ctx context.Context) error {
	current := &v1.Bed{}
	if err := g.client.Get(ctx, key("carrots"), current); err != nil {
		return err
	}
	before := current.DeepCopyObject().(*v1.Bed)
	current.Spec.Plants = 3
	current.Status.Ready = 99
	if err := g.client.Patch(ctx, current, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
		return err
	}
	if current.Generation != before.Generation+1 || current.Status.Ready == 99 {
		return fmt.Errorf("generation %d after %d, ready %d", current.Generation, before.Generation, current.Status.Ready)
	}
	if err := g.awaitReady(ctx, "carrots", 3); err != nil {
		return err
	}
	before.Spec.Plants = 4
	if err := g.client.Update(ctx, before); !apierrors.IsConflict(err) {
		return fmt.Errorf("a stale update gave %v", err)
	}
	deployment := &appsv1.Deployment{}
	if err := g.client.Get(ctx, key("carrots"), deployment); err != nil {
		return err
	}
	if err := g.client.Delete(ctx, deployment, client.Preconditions{UID: &deployment.UID}); err != nil {
		return err
	}
	return eventually(ctx, func() error {
		again := &appsv1.Deployment{}
		if err := g.client.Get(ctx, key("carrots"), again); err != nil {
			return err
		}
		if again.UID == deployment.UID {
			return errors.New("the deployment is still there")
		}
		return nil
	})
}

func (g *garden) deletion(ctx context.Context) error {
	guarded := bed("carrots", "", 0)
	protect := func(value string) error {
		return g.client.Patch(ctx, guarded, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"annotations":{"`+protected+`":`+value+`}}}`)))
	}
	if err := protect(`"yes"`); err != nil {
		return err
	}
	if err := refused(g.client.Delete(ctx, guarded), "denied the request: carrots is protected"); err != nil {
		return err
	}
	if err := protect("null"); err != nil {
		return err
	}
	if err := g.client.Delete(ctx, guarded, client.PropagationPolicy(metav1.DeletePropagationForeground)); err != nil {
		return err
	}
	for _, object := range []client.Object{&v1.Bed{}, &appsv1.Deployment{}} {
		if err := eventually(ctx, func() error { return gone(g.client.Get(ctx, key("carrots"), object)) }); err != nil {
			return err
		}
	}
	book := &corev1.ConfigMap{}
	if err := g.client.Get(ctx, key(ledger), book); err != nil {
		return err
	}
	if book.Data["carrots"] != "carrot" {
		return fmt.Errorf("the ledger says %v", book.Data)
	}
	return nil
}

// succession follows a Bed that the second manager must plant, now that the first has stopped.
func (g *garden) succession(ctx context.Context, elected <-chan struct{}, ended <-chan error) error {
	if err := g.client.Create(ctx, bed("leeks", "leek", 1)); err != nil {
		return err
	}
	select {
	case <-elected:
	case err := <-ended:
		return fmt.Errorf("the second manager ended: %w", err)
	case <-ctx.Done():
		return errors.New("the second manager was not elected")
	}
	if err := g.awaitReady(ctx, "leeks", 1); err != nil {
		return err
	}
	deployment, held := &appsv1.Deployment{}, &coordinationv1.Lease{}
	if err := errors.Join(g.client.Get(ctx, key("leeks"), deployment), g.client.Get(ctx, key(lease), held)); err != nil {
		return err
	}
	if held.Spec.LeaseTransitions == nil || *held.Spec.LeaseTransitions < 1 || *held.Spec.HolderIdentity == "" {
		return fmt.Errorf("the lease is %+v", held.Spec)
	}
	if got := deployment.Annotations["gardener"]; got != "second" {
		return fmt.Errorf("planted by %q", got)
	}
	return nil
}

func (g *garden) awaitReady(ctx context.Context, name string, plants int32) error {
	return eventually(ctx, func() error {
		current := &v1.Bed{}
		if err := g.client.Get(ctx, key(name), current); err != nil {
			return err
		}
		status := current.Status
		if status.Ready != plants || status.ObservedGeneration != current.Generation || !meta.IsStatusConditionTrue(status.Conditions, "Ready") {
			return fmt.Errorf("%s: status %+v", name, status)
		}
		return nil
	})
}

func gone(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return fmt.Errorf("still there: %w", err)
}

// refused wants an error that says so.
func refused(err error, words string) error {
	if err == nil || !strings.Contains(err.Error(), words) {
		return fmt.Errorf("wanted %q, got %w", words, err)
	}
	return nil
}

// eventually asks until there is no error; the last one is told when time is out.
func eventually(ctx context.Context, probe func() error) error {
	for {
		err := probe()
		if err == nil {
			return nil
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

// warningLog keeps the warnings of the API server.
type warningLog struct {
	mutex sync.Mutex
	texts []string
}

func (l *warningLog) HandleWarningHeader(_ int, _ string, text string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.texts = append(l.texts, text)
}

func (l *warningLog) all() []string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return append([]string(nil), l.texts...)
}

func (l *warningLog) has(text string) bool {
	for _, told := range l.all() {
		if strings.HasPrefix(told, text) {
			return true
		}
	}
	return false
}
