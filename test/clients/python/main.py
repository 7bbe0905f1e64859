"""The Python client, the package kubernetes, unchanged, against the cluster of KUBECONFIG: typed calls, patches, apply,
watch, the dynamic client, objects from YAML, refusals."""

import json
import time

import yaml
from kubernetes import client, config, dynamic, utils, watch
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic.exceptions import ConflictError, NotFoundError, UnprocessibleEntityError

NAMESPACE = "python-client"
PATIENCE_S = 60

config.load_kube_config()
api = client.ApiClient()
core = client.CoreV1Api(api)
apps = client.AppsV1Api(api)


def config_map(name, data):
    return client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name, labels={"suite": "python"}), data=data)


def equal(got, wanted):
    assert got == wanted, f"wanted {wanted!r}, got {got!r}"


def refused(code, reason, request, *args, **options):
    try:
        request(*args, **options)
    except ApiException as error:
        status = json.loads(error.body)
        equal((error.status, status["reason"]), (code, reason))
        return status["message"]
    raise AssertionError(f"not refused: {reason}")


def eventually(what, probe):
    deadline = time.monotonic() + PATIENCE_S
    while not probe():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.05)


def typed_calls():
    created = core.create_namespaced_config_map(NAMESPACE, config_map("typed", {"a": "1"}))
    assert created.metadata.creation_timestamp.tzinfo is not None
    replaced = core.replace_namespaced_config_map("typed", NAMESPACE, config_map("typed", {"a": "2"}))
    assert replaced.metadata.resource_version != created.metadata.resource_version
    refused(409, "Conflict", core.replace_namespaced_config_map, "typed", NAMESPACE, created)
    refused(409, "AlreadyExists", core.create_namespaced_config_map, NAMESPACE, config_map("typed", {}))
    refused(422, "Invalid", core.create_namespaced_config_map, NAMESPACE, config_map("Not Valid", {}))
    core.create_namespaced_config_map(NAMESPACE, config_map("other", {}))
    page = core.list_namespaced_config_map(NAMESPACE, label_selector="suite=python", limit=1)
    rest = core.list_namespaced_config_map(NAMESPACE, label_selector="suite=python", limit=1, _continue=page.metadata._continue)
    equal([item.metadata.name for item in page.items + rest.items], ["other", "typed"])
    core.delete_namespaced_config_map("typed", NAMESPACE)
    equal(refused(404, "NotFound", core.read_namespaced_config_map, "typed", NAMESPACE), 'configmaps "typed" not found')


def patches():
    core.create_namespaced_config_map(NAMESPACE, config_map("patched", {"a": "1", "b": "1"}))
    patch = lambda body: core.patch_namespaced_config_map("patched", NAMESPACE, body).data
    equal(patch([{"op": "replace", "path": "/data/a", "value": "2"}]), {"a": "2", "b": "1"})
    equal(patch({"data": {"b": None}}), {"a": "2"})


def watches():
    version = core.list_namespaced_config_map(NAMESPACE).metadata.resource_version
    core.create_namespaced_config_map(NAMESPACE, config_map("watched", {}))
    core.patch_namespaced_config_map("watched", NAMESPACE, {"data": {"a": "1"}})
    core.delete_namespaced_config_map("watched", NAMESPACE)
    seen = []
    watcher = watch.Watch()
    for event in watcher.stream(core.list_namespaced_config_map, NAMESPACE, resource_version=version, timeout_seconds=30):
        seen.append((event["type"], event["object"].metadata.name))
        if len(seen) == 3:
            watcher.stop()
    equal(seen, [("ADDED", "watched"), ("MODIFIED", "watched"), ("DELETED", "watched")])
    # Without a version it begins with what is there.
    watcher = watch.Watch()
    for event in watcher.stream(core.list_namespaced_config_map, NAMESPACE, field_selector="metadata.name=patched", timeout_seconds=30):
        equal((event["type"], event["object"].data), ("ADDED", {"a": "2"}))
        watcher.stop()


def dynamic_client():
    dynamic_api = dynamic.DynamicClient(api)
    deployments = dynamic_api.resources.get(api_version="apps/v1", kind="Deployment")
    labels = {"app": "web"}

    def body(replicas):
        template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "nginx:1.28"}]}}
        spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}

    deployments.server_side_apply(body=body(2), namespace=NAMESPACE, field_manager="one")
    try:
        deployments.server_side_apply(body=body(1), namespace=NAMESPACE, field_manager="two")
    except ConflictError as error:
        equal(json.loads(error.body)["message"], 'Apply failed with 1 conflict: conflict with "one": .spec.replicas')
    else:
        raise AssertionError("no conflict")
    deployments.server_side_apply(body=body(1), namespace=NAMESPACE, field_manager="two", force_conflicts=True)
    eventually("a replica is ready", lambda: deployments.get(name="web", namespace=NAMESPACE).status.readyReplicas == 1)
    equal([item.metadata.name for item in deployments.get(namespace=NAMESPACE, label_selector="app!=none").items], ["web"])
    merge = {"content_type": "application/strategic-merge-patch+json"}
    side = {"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "busybox:1.37"}]}}}}
    patched = deployments.patch(name="web", namespace=NAMESPACE, body=side, **merge)
    equal([c.name for c in patched.spec.template.spec.containers], ["side", "main"])
    scale = deployments.scale.get(name="web", namespace=NAMESPACE)
    equal(scale.spec.replicas, 1)
    deployments.delete(name="web", namespace=NAMESPACE)
    eventually("the pods are gone", lambda: not core.list_namespaced_pod(NAMESPACE, label_selector="app=web").items)


def custom_resources():
    dynamic_api = dynamic.DynamicClient(api)
    definitions = dynamic_api.resources.get(api_version="apiextensions.k8s.io/v1", kind="CustomResourceDefinition")
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"text": {"type": "string", "maxLength": 5}}}}}
    definitions.create(body={
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "notes.python.example.com"},
        "spec": {
            "group": "python.example.com",
            "scope": "Namespaced",
            "names": {"plural": "notes", "singular": "note", "kind": "Note"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}, "subresources": {"status": {}}}],
        },
    })
    established = lambda: any(c.type == "Established" and c.status == "True" for c in definitions.get(name="notes.python.example.com").status.conditions or [])
    eventually("the definition is established", established)
    notes = dynamic_api.resources.get(api_version="python.example.com/v1", kind="Note")
    note = {"apiVersion": "python.example.com/v1", "kind": "Note", "metadata": {"name": "n"}, "spec": {"text": "hello"}}
    equal(notes.create(body=note, namespace=NAMESPACE).metadata.generation, 1)
    try:
        notes.patch(name="n", namespace=NAMESPACE, body={"spec": {"text": "too long"}}, content_type="application/merge-patch+json")
    except UnprocessibleEntityError as error:
        equal(json.loads(error.body)["message"], 'Note.python.example.com "n" is invalid: spec.text: Too long: may not be more than 5 bytes')
    else:
        raise AssertionError("accepted")
    custom = client.CustomObjectsApi(api)
    listed = custom.list_namespaced_custom_object("python.example.com", "v1", NAMESPACE, "notes")
    equal([item["spec"]["text"] for item in listed["items"]], ["hello"])
    definitions.delete(name="notes.python.example.com")

    def is_gone():
        try:
            notes.get(name="n", namespace=NAMESPACE)
        except NotFoundError:
            return True
        return False

    eventually("the resource goes with its definition", is_gone)


MANIFEST = """
apiVersion: v1
kind: Service
metadata: {name: from-yaml}
spec: {selector: {app: from-yaml}, ports: [{port: 80, targetPort: http}]}
"""


def from_yaml():
    objects = list(yaml.safe_load_all(MANIFEST))
    utils.create_from_yaml(api, yaml_objects=objects, namespace=NAMESPACE)
    service = core.read_namespaced_service("from-yaml", NAMESPACE)
    assert service.spec.cluster_ip, service.spec
    equal(service.spec.ports[0].target_port, "http")
    try:
        utils.create_from_yaml(api, yaml_objects=objects, namespace=NAMESPACE)
    except utils.FailToCreateError as error:
        assert "AlreadyExists" in str(error), error
    else:
        raise AssertionError("created twice")


core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=NAMESPACE)))
for suite in (typed_calls, patches, watches, dynamic_client, custom_resources, from_yaml):
    suite()
    print(f"ok   {suite.__name__.replace('_', ' ')}", flush=True)
core.delete_namespace(NAMESPACE)
