"""Stand-ins for the result classes of known clients: same module and name, same place of the data, no more."""

from __future__ import annotations


def named(name, **attributes):
    """A class whose qualified name is ``name``, and whose instances hold no data that a rule was not told of."""
    module, _, simple = name.rpartition(".")
    return type(simple, (), {"__module__": module, "__qualname__": simple, **attributes})


RestObject = named("gitlab.base.RESTObject", attributes=property(lambda self: {"id": self.id}))


def refuse(self):
    raise AssertionError("this would ask the service for more")


GithubObject = named("github.GithubObject.GithubObject", raw_data=property(refuse))
JiraResource = named("jira.resources.Resource")
SlackResponse = named("slack_sdk.web.slack_response.SlackResponse", __iter__=refuse, __next__=refuse)
SendgridResponse = named("python_http_client.client.Response")
FileStorage = named("werkzeug.datastructures.file_storage.FileStorage")


def holding(kind, **attributes):
    """An instance of ``kind`` with these attributes."""
    made = kind()
    for name, value in attributes.items():
        setattr(made, name, value)
    return made
