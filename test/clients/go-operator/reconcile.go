package main

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	v1 "orrery.dev/test/clients/go-operator/api/v1"
)

const (
	finalizer = "garden.example.com/harvest"
	// ledger is the ConfigMap that tells what has been harvested: proof that the finalizer ran.
	ledger = "harvest"
)

// bedReconciler keeps a Deployment for each Bed, and writes the crop down before a Bed goes.
type bedReconciler struct {
	client.Client
	recorder events.EventRecorder
	// gardener is the manager this one belongs to; each Deployment tells who has planted it.
	gardener string
}

func (r *bedReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	bed := &v1.Bed{}
	if err := r.Get(ctx, request.NamespacedName, bed); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !bed.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, r.harvest(ctx, bed)
	}
	if controllerutil.AddFinalizer(bed, finalizer) {
		if err := r.Update(ctx, bed); err != nil {
			return ctrl.Result{}, err
		}
	}
	deployment, err := r.plant(ctx, bed)
	if err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{}, r.report(ctx, bed, deployment.Status.ReadyReplicas)
}

func (r *bedReconciler) plant(ctx context.Context, bed *v1.Bed) (*appsv1.Deployment, error) {
	labels := map[string]string{"bed": bed.Name}
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: bed.Name, Namespace: bed.Namespace}}
	done, err := controllerutil.CreateOrUpdate(ctx, r.Client, deployment, func() error {
		metav1.SetMetaDataAnnotation(&deployment.ObjectMeta, "gardener", r.gardener)
		deployment.Spec.Replicas = &bed.Spec.Plants
		deployment.Spec.Selector = &metav1.LabelSelector{MatchLabels: labels}
		deployment.Spec.Template.Labels = labels
		if len(deployment.Spec.Template.Spec.Containers) == 0 {
			deployment.Spec.Template.Spec.Containers = []corev1.Container{{Name: "plant"}}
		}
		deployment.Spec.Template.Spec.Containers[0].Image = "garden/" + bed.Spec.Crop + ":1.0"
		return controllerutil.SetControllerReference(bed, deployment, r.Scheme())
	})
	if err == nil && done == controllerutil.OperationResultCreated {
		r.recorder.Eventf(bed, deployment, corev1.EventTypeNormal, "Planted", "Plant", "%s in %s", bed.Spec.Crop, bed.Spec.Soil)
	}
	return deployment, err
}

func (r *bedReconciler) report(ctx context.Context, bed *v1.Bed, ready int32) error {
	before := bed.DeepCopyObject().(*v1.Bed)
	condition := metav1.Condition{Type: "Ready", Status: metav1.ConditionFalse, Reason: "Growing", ObservedGeneration: bed.Generation}
	if ready == bed.Spec.Plants {
		condition.Status, condition.Reason = metav1.ConditionTrue, "Grown"
	}
	bed.Status.Ready, bed.Status.ObservedGeneration = ready, bed.Generation
	meta.SetStatusCondition(&bed.Status.Conditions, condition)
	if equality.Semantic.DeepEqual(before.Status, bed.Status) {
		return nil
	}
	return r.Status().Update(ctx, bed)
}

func (r *bedReconciler) harvest(ctx context.Context, bed *v1.Bed) error {
	book := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: ledger, Namespace: bed.Namespace}}
	_, err := controllerutil.CreateOrUpdate(ctx, r.Client, book, func() error {
		if book.Data == nil {
			book.Data = map[string]string{}
		}
		book.Data[bed.Name] = bed.Spec.Crop
		return nil
	})
	if err != nil {
		return err
	}
	if !controllerutil.RemoveFinalizer(bed, finalizer) {
		return nil
	}
	return client.IgnoreNotFound(r.Update(ctx, bed))
}
