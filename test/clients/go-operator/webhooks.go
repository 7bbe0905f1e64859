package main

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	v1 "orrery.dev/test/clients/go-operator/api/v1"
)

const (
	defaultSoil = "loam"
	protected   = "garden.example.com/protected"
)

// bedDefaulter gives a Bed its soil.
type bedDefaulter struct{}

func (bedDefaulter) Default(_ context.Context, bed *v1.Bed) error {
	if bed.Spec.Soil == "" {
		bed.Spec.Soil = defaultSoil
	}
	return nil
}

// bedValidator knows what grows where.
type bedValidator struct{}

func (bedValidator) ValidateCreate(_ context.Context, bed *v1.Bed) (admission.Warnings, error) {
	if bed.Spec.Crop == "rice" && bed.Spec.Soil != "paddy" {
		path := field.NewPath("spec", "soil")
		causes := field.ErrorList{field.NotSupported(path, bed.Spec.Soil, []string{"paddy"})}
		return nil, apierrors.NewInvalid(schema.GroupKind{Group: v1.GroupVersion.Group, Kind: "Bed"}, bed.Name, causes)
	}
	if bed.Spec.Plants > 100 {
		return admission.Warnings{"more than 100 plants are hard to water"}, nil
	}
	return nil, nil
}

func (bedValidator) ValidateUpdate(_ context.Context, old, bed *v1.Bed) (admission.Warnings, error) {
	if old.Spec.Crop != bed.Spec.Crop {
		return nil, fmt.Errorf("%s cannot become %s", old.Spec.Crop, bed.Spec.Crop)
	}
	return nil, nil
}

func (bedValidator) ValidateDelete(_ context.Context, bed *v1.Bed) (admission.Warnings, error) {
	if bed.Annotations[protected] != "" {
		return nil, fmt.Errorf("%s is protected", bed.Name)
	}
	return nil, nil
}
